/** A worker process of a sweep: opens the files once, then does one job after another until its parent is gone. */
import { constants, setPriority } from 'node:os';
import { openWorkbench, type Workbench } from './context.js';
import { perform } from './job.js';
import { errorMessage, type FromWorker, type ToWorker } from './worker-messages.js';

let bench: Promise<Workbench> | undefined;
const orphaned = new AbortController();

process.on('SIGINT', () => {}); // Ctrl-C reaches the parent too, which says what is to be done
process.on('disconnect', () => orphaned.abort()); // the parent ended, however it ended: stop, and be done
process.on('message', (message: ToWorker) => {
  if (message.say === 'open') {
    bench = openWorkbench(message.context);
    bench.catch(() => {}); // told with the first job
    return;
  }
  bench!
    .then((opened) => perform(message.job, opened, { signal: orphaned.signal }))
    .then(
      (result): FromWorker => ({ say: 'done', result }),
      (error: unknown): FromWorker => ({ say: 'failed', error: errorMessage(error) }),
    )
    .then((answer) => {
      if (process.connected) process.send!(answer);
    });
});
setPriority(constants.priority.PRIORITY_BELOW_NORMAL); // a sweep takes hours: the computer stays usable
