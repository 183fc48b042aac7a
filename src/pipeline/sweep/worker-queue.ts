/** A queue of worker processes on this computer. */
import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ThimbleError } from '../../core/errors.js';
import type { SweepContext } from './context.js';
import type { Job, JobResult } from './job.js';
import type { JobQueue } from './job-queue.js';
import { errorFrom, type FromWorker, type ToWorker } from './worker-messages.js';

interface Waiting {
  readonly job: Job;
  resolve(result: JobResult): void;
  reject(error: unknown): void;
}

interface Worker {
  readonly child: ChildProcess;
  current: Waiting | undefined;
  lastWords: string; // the end of its stderr
}

/** Lines of a dead worker's stderr that its error shows where none of them names an error. */
const SHOWN_LINES = 4;

/** Workers are started when there is work for them, and again where one died. @param count of them at most */
export function workerQueue(context: SweepContext, count: number, signal?: AbortSignal): JobQueue {
  const waiting: Waiting[] = [];
  const workers = new Set<Worker>();
  const stop = (): void => {
    for (const { reject } of waiting.splice(0)) reject(interrupted());
    for (const { child } of workers) child.kill('SIGKILL'); // what it wrote is whole: files appear by a rename
  };
  signal?.addEventListener('abort', stop, { once: true });

  function next(): void {
    while (waiting.length > 0) {
      const idle = [...workers].find(({ current }) => !current) ?? (workers.size < count ? start() : undefined);
      if (!idle) return;
      idle.current = waiting.shift()!;
      tell(idle, { say: 'do', job: idle.current.job });
    }
  }

  function start(): Worker {
    const child = fork(workerFile, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    const worker: Worker = { child, current: undefined, lastWords: '' };
    workers.add(worker);
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      worker.lastWords = (worker.lastWords + text).slice(-2000);
    });
    child.on('message', (message: FromWorker) => {
      const done = worker.current;
      worker.current = undefined;
      if (message.say === 'done') done?.resolve(message.result);
      else done?.reject(errorFrom(message.error));
      next();
    });
    child.on('close', (code, signalName) => {
      workers.delete(worker);
      worker.current?.reject(signal?.aborted ? interrupted() : died(worker, signalName ?? `exit code ${code}`));
      next();
    });
    child.on('error', () => {}); // 'close' follows
    tell(worker, { say: 'open', context });
    return worker;
  }

  return {
    parallel: count,
    run: (job) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(interrupted());
        waiting.push({ job, resolve, reject });
        next();
      }),
    async close() {
      signal?.removeEventListener('abort', stop);
      const ended = [...workers].map(({ child }) => new Promise((resolve) => child.once('close', resolve)));
      stop();
      await Promise.all(ended);
    },
  };
}

/** worker.ts in development, worker.js once built. */
const workerFile = fileURLToPath(new URL(`./worker${extname(import.meta.url)}`, import.meta.url));

const tell = ({ child }: Worker, message: ToWorker): void => {
  child.send(message, () => {}); // a child that is gone reports itself
};

const interrupted = (): ThimbleError => new ThimbleError('E_INTERRUPTED', 'the sweep was stopped', []);

function died({ lastWords, current }: Worker, how: string): ThimbleError {
  const said = lastWords.trimEnd().split('\n');
  const lines = (said.find((line) => /Error\b.*: /.test(line)) ?? said.slice(-SHOWN_LINES).join('\n')).trim();
  return new ThimbleError(
    'E_ENGINE',
    `a worker of the sweep died (${how}) at a ${current?.job.kind} job${lines === '' ? '' : `: ${lines}`}`,
    ['Run the same command again: finished stages are kept.', 'Where memory was short: --workers 1'],
  );
}
