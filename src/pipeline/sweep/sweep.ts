/**
 * Many ways to compress one model, each carried out and measured, and which of them are worth having. Points, rounds and
 * the front are chosen on samples held out of the data; the test samples score what is left in the end.
 */
import { createHash } from 'node:crypto';
import { ThimbleError } from '../../core/errors.js';
import type { OnEvent } from '../../core/stage-event.js';
import { type AccuracyDifference, accuracyDifference } from '../../evaluate/difference.js';
import { type Proportion, proportion } from '../../evaluate/interval.js';
import { packageVersion } from '../../files/package-folder.js';
import { macsOf } from '../../passes/prune-channels.js';
import type { Workbench } from './context.js';
import type { Job, JobResult, MeasureResult, ScoredOn, ScoreResult, Source, StepResult } from './job.js';
import type { JobQueue } from './job-queue.js';
import { emulatedCoreOf, type Measured, type Objective } from './measure.js';
import { paretoRanks } from './pareto.js';
import type { StageStore } from './stage-store.js';
import { shortened, stepName } from './steps.js';
import type { Point, SweepSet } from './sweep-set.js';

export interface SweepOptions {
  readonly queue: JobQueue;
  readonly store: StageStore;
  readonly onEvent?: OnEvent | undefined;
}

/** A point that was carried out to its end. */
export interface SweptPoint {
  readonly name: string;
  readonly steps: Point['steps'];
  readonly model: string; // .tflite in base64
  readonly sha256: string; // of that
  readonly held: Proportion; // accuracy on the samples that choose
  readonly measured: Measured;
  readonly onFront: boolean;
  /** On the test samples; null for points off the front, which were not tried on them. */
  readonly test: { readonly accuracy: Proportion; readonly versusFloat: AccuracyDifference } | null;
}

export interface FailedPoint {
  readonly name: string;
  readonly error: ThimbleError;
}

export interface SweepResult {
  readonly set: SweepSet;
  readonly fingerprint: Workbench['fingerprint'];
  readonly seed: number;
  readonly objectives: readonly Objective[];
  readonly float: { readonly held: Proportion; readonly test: Proportion; readonly macs: number };
  readonly points: readonly SweptPoint[]; // in the set's order
  readonly dropped: readonly string[]; // by halving, before their end
  readonly failed: readonly FailedPoint[];
  readonly scoredOn: string; // 'test data', 'held-out samples'
  readonly jobs: { readonly computed: number; readonly found: number }; // found: finished by an earlier run
}

interface Trial {
  readonly point: Point;
  readonly model: StepResult;
  readonly right: string;
  readonly measured: MeasureResult;
}

/**
 * @throws ThimbleError E_INTERRUPTED; where every point failed, what the first one failed of
 */
export async function sweep(bench: Workbench, set: SweepSet, options: SweepOptions): Promise<SweepResult> {
  const run = new Run(bench, options);
  const floatHeld = await run.score(null, 'selection');
  const { strategy } = set;
  const rounds = strategy.kind === 'halving' ? strategy.rounds : [1];
  let points = set.points;
  let trials: readonly Trial[] = [];
  const dropped: string[] = [];
  const failed: FailedPoint[] = [];
  for (const [round, part] of rounds.entries()) {
    run.expect(points.length);
    const tried = await Promise.all(points.map((point) => run.attempt(point, part)));
    trials = tried.filter((each): each is Trial => 'model' in each);
    failed.push(...tried.filter((each): each is FailedPoint => 'error' in each));
    if (trials.length === 0) throw failed[0]!.error;
    if (strategy.kind !== 'halving' || round === rounds.length - 1) break;
    const kept = best(trials, set.objectives, Math.ceil(trials.length * strategy.keep));
    dropped.push(...trials.filter((trial) => !kept.includes(trial)).map(({ point }) => point.name));
    points = kept.map(({ point }) => point);
    options.onEvent?.({
      stage: 'sweep',
      message: `round ${round + 1} of ${rounds.length}: ${points.length} of ${tried.length} points go on`,
    });
  }
  const front = onFront(trials, set.objectives);
  const floatTest = await run.score(null, 'test');
  const swept = await Promise.all(
    trials.map(async (trial, i): Promise<SweptPoint> => {
      const { point, model, right, measured } = trial;
      const test = front[i] === true ? await run.score(model.model, 'test', model.sha256) : null;
      return {
        name: point.name,
        steps: point.steps,
        model: model.model,
        sha256: model.sha256,
        held: share(right),
        measured,
        onFront: front[i]!,
        test:
          test !== null
            ? { accuracy: share(test), versusFloat: accuracyDifference(flags(floatTest), flags(test)) }
            : null,
      };
    }),
  );
  return {
    set,
    fingerprint: bench.fingerprint,
    seed: bench.context.seed,
    objectives: set.objectives,
    float: { held: share(floatHeld), test: share(floatTest), macs: run.floatMacs },
    points: swept,
    dropped,
    failed,
    scoredOn: bench.choice.scoredOn,
    jobs: run.counts,
  };
}

/** Jobs by their ids: what is known is not done again, in this run or since an earlier one. */
class Run {
  readonly counts = { computed: 0, found: 0 };
  readonly floatMacs: number;
  private readonly started = new Map<string, Promise<JobResult>>();
  private readonly core;
  private readonly root: string;
  private readonly samples: Record<ScoredOn, string>;
  private done = 0;
  private total = 0;

  constructor(
    private readonly bench: Workbench,
    private readonly options: SweepOptions,
  ) {
    const { context, fingerprint, choice, model } = bench;
    this.floatMacs = macsOf(model.graph);
    this.core = emulatedCoreOf(bench.board);
    const { calibration, training } = choice;
    const { seed, preprocessing = null } = context;
    this.root = hashOf([packageVersion(), model.sha256, fingerprint.data, seed, preprocessing, calibration, training]);
    this.samples = {
      selection: hashOf([fingerprint.data, choice.selection, preprocessing]),
      test: hashOf([choice.scoringData.sha256, choice.scoring, preprocessing]),
    };
  }

  /** @param points of the round that begins: for the progress */
  expect(points: number): void {
    [this.done, this.total] = [0, points];
    this.tell();
  }

  async attempt(point: Point, part: number): Promise<Trial | FailedPoint> {
    try {
      const trial = await this.carryOut(point, part);
      this.tell(
        `${point.name}: ${percent(share(trial.right))}${part < 1 ? ` after ${percent1(part)} of its epochs` : ''}`,
      );
      return trial;
    } catch (error) {
      if (!(error instanceof ThimbleError) || error.code === 'E_INTERRUPTED') throw error;
      this.tell(`${point.name} failed: ${error.message}`);
      return { name: point.name, error };
    } finally {
      this.done++;
      this.tell();
    }
  }

  private async carryOut(point: Point, part: number): Promise<Trial> {
    let model: StepResult | undefined;
    let id = this.root;
    for (const [i, whole] of point.steps.entries()) {
      const step = shortened(whole, part);
      const last = i === point.steps.length - 1;
      id = hashOf([id, step, last]);
      const source: Source = model?.model ?? null;
      const about = { point: point.name, step: stepName(step) };
      model = (await this.once({ kind: 'step', id, step, last, model: source }, about)) as StepResult;
    }
    const { model: tflite, sha256 } = model!;
    const { board, context } = this.bench;
    const measuring = { kind: 'measure', core: this.core, model: tflite } as const;
    const measureId = hashOf(['measure', packageVersion(), sha256, board ?? null, context.optimize, this.core]);
    const [measured, right] = await Promise.all([
      this.once({ ...measuring, id: measureId }, { point: point.name }) as Promise<MeasureResult>,
      this.score(tflite, 'selection', sha256),
    ]);
    if (measured.bitExact === false)
      throw new ThimbleError(
        'E_VERIFY_MISMATCH',
        `${point.name}: the emulated core computes something else than the reference`,
        ['This is a fault of Thimble: report it with the model.'],
      );
    return { point, model: model!, right, measured };
  }

  async score(model: Source, on: ScoredOn, sha256 = this.bench.model.sha256): Promise<string> {
    const id = hashOf(['score', packageVersion(), sha256, this.samples[on]]);
    return ((await this.once({ kind: 'score', id, on, model }, { on })) as ScoreResult).right;
  }

  private once(job: Job, about: object): Promise<JobResult> {
    const running = this.started.get(job.id);
    if (running) return running;
    const { store, queue } = this.options;
    const known = store.get(job.id);
    if (known) this.counts.found++;
    const result = known
      ? Promise.resolve(known)
      : queue.run(job).then((fresh) => {
          this.counts.computed++;
          store.put(job.id, fresh, about);
          return fresh;
        });
    this.started.set(job.id, result);
    return result;
  }

  private tell(message?: string): void {
    this.options.onEvent?.({
      stage: 'sweep',
      done: this.done,
      total: this.total,
      ...(message !== undefined && { message }),
    });
  }
}

/** 'seed 1, model ea0faac9b97d, data 6cb30c8be830, test data 3eb069e22a8d': enough of each hash to know it by. */
export function originText({ seed, fingerprint: { model, data, test } }: SweepResult): string {
  const short = (hash: string): string => hash.slice(0, 12);
  return `seed ${seed}, model ${short(model)}, data ${short(data)}${test === null ? '' : `, test data ${short(test)}`}`;
}

/** Costs as merits: less is better. Points that do not fit the board are worse than all that do. */
const meritsOf = ({ right, measured }: Trial, objectives: readonly Objective[]): readonly number[] => [
  measured.doesNotFit === null ? 1 : 0,
  share(right).value,
  ...objectives.map((objective) => -costOf(measured, objective)),
];

export function costOf(measured: Measured, objective: Objective): number {
  switch (objective) {
    case 'flash':
      return measured.flash.bytes;
    case 'ram':
      return measured.ram.bytes;
    case 'instructions':
      return measured.instructions.count;
    case 'macs':
      return measured.macs;
  }
}

function onFront(trials: readonly Trial[], objectives: readonly Objective[]): readonly boolean[] {
  const ranks = paretoRanks(trials.map((trial) => meritsOf(trial, objectives)));
  return trials.map(({ measured }, i) => ranks[i] === 0 && measured.doesNotFit === null);
}

/** Front by front; of one that is only wanted in part, the most accurate. */
function best(trials: readonly Trial[], objectives: readonly Objective[], count: number): readonly Trial[] {
  const ranks = paretoRanks(trials.map((trial) => meritsOf(trial, objectives)));
  const order = trials
    .map((trial, i) => ({ trial, rank: ranks[i]!, accuracy: share(trial.right).value, i }))
    .sort((a, b) => a.rank - b.rank || b.accuracy - a.accuracy || a.i - b.i);
  const kept = new Set(order.slice(0, count).map(({ trial }) => trial));
  return trials.filter((trial) => kept.has(trial));
}

const flags = (right: string): readonly boolean[] => [...right].map((each) => each === '1');
const share = (right: string): Proportion => proportion(right.replaceAll('0', '').length, right.length);
const percent = ({ value }: Proportion): string => `${(100 * value).toFixed(2)} %`;
const percent1 = (part: number): string => `${Math.round(100 * part)} %`;
const hashOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);
