/**
 * Where a sweep's jobs run. A queue of another kind, over many machines, needs only this interface: jobs and results are
 * plain JSON, and a job's id is a hash of all that it is made of, so that two runs of one job give one result.
 */
import type { Workbench } from './context.js';
import { type Job, type JobOptions, type JobResult, perform } from './job.js';

export interface JobQueue {
  /** How many jobs run side by side. */
  readonly parallel: number;
  /**
   * Waits for its turn, runs the job, gives its result.
   * @throws ThimbleError of the job; E_ENGINE where whoever ran it is gone
   */
  run(job: Job): Promise<JobResult>;
  /** Stops what still runs. */
  close(): Promise<void>;
}

/** One job after another in this process. */
export function queueHere(bench: Workbench, options: JobOptions): JobQueue {
  let before: Promise<unknown> = Promise.resolve();
  return {
    parallel: 1,
    run(job) {
      const result = before.then(() => perform(job, bench, options));
      before = result.catch(() => {}); // a failed job must not stop those behind it
      return result;
    },
    close: async () => {},
  };
}
