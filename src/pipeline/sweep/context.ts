/** What all jobs of a sweep have in common: plain JSON that names files, and those files opened. */

import { loadBoard } from '../../boards/load-board.js';
import type { BoardSpec } from '../../core/board-spec.js';
import type { Dataset } from '../../core/dataset.js';
import { ThimbleError } from '../../core/errors.js';
import type { Preprocessing } from '../../core/graph.js';
import { openDataset } from '../../datasets/index.js';
import { checkSamplesFit, type ModelInterface } from '../../evaluate/score.js';
import type { Optimize } from '../../plan/choose-implementations.js';
import { checkClasses } from '../check-classes.js';
import { interfaceOf } from '../compare.js';
import { type LoadedModel, loadModel, sampleShapeOf } from '../load-model.js';
import { chooseSamples, type SampleChoice } from '../sample-choice.js';

export interface DataSource {
  readonly path: string;
  readonly format?: string | undefined;
  readonly shape?: readonly number[] | undefined;
  readonly resize?: boolean | undefined;
}

/** Enough for any computer that has the files to do a job of the sweep. */
export interface SweepContext {
  readonly model: string; // path
  readonly data: DataSource; // trains, calibrates, chooses
  readonly test?: DataSource | undefined; // scores the end; a fifth of the data unless given
  readonly board?: string | undefined; // id or path
  readonly optimize: Optimize;
  readonly preprocessing?: Preprocessing | undefined;
  readonly labels?: readonly string[] | undefined;
  readonly seed: number;
  readonly calibration: number; // samples
  readonly scoreLimit: number; // samples scored at most, of each kind
  readonly checkpoints?: string | undefined; // folder of trainings that were stopped
  /** Of the files when the sweep began: a worker that finds others there refuses. */
  readonly expected?: Fingerprint | undefined;
}

export interface Fingerprint {
  readonly model: string; // sha256
  readonly data: string;
  readonly test: string | null;
}

export interface Workbench {
  readonly context: SweepContext;
  readonly model: LoadedModel;
  readonly data: Dataset;
  readonly choice: SampleChoice;
  readonly io: ModelInterface;
  readonly board: BoardSpec | undefined;
  readonly fingerprint: Fingerprint;
}

/**
 * @throws ThimbleError E_USAGE for an int8 model or data without classes, E_DATA_EMPTY for too little of it, E_FILE where
 *   the files are not those that were expected, and what loading throws
 */
export async function openWorkbench(context: SweepContext): Promise<Workbench> {
  const model = await loadModel(context.model);
  if (model.kind !== 'float32')
    throw new ThimbleError('E_USAGE', `${model.path} is int8 already, and a sweep begins with real numbers`, [
      'Take the float model that it came from.',
    ]);
  const expectedShape = sampleShapeOf(model);
  const open = ({ path, ...options }: DataSource): Promise<Dataset> =>
    openDataset(path, { ...withoutUndefined(options), ...(expectedShape && { expectedShape }) });
  const data = await open(context.data);
  const test = context.test && (await open(context.test));
  const fingerprint = { model: model.sha256, data: data.sha256, test: test?.sha256 ?? null };
  checkFingerprint(fingerprint, context);
  const io = interfaceOf(model, context.preprocessing);
  checkSamplesFit(io, data);
  checkSweepData(data);
  checkClasses(model.graph, data, true);
  if (test) checkClasses(model.graph, test, false);
  const choice = chooseSamples(data, { ...context, trains: true, selects: true, test });
  const board = context.board === undefined ? undefined : loadBoard(context.board);
  return { context, model, data, choice, io, board, fingerprint };
}

const LEAST_SAMPLES = 20;

function checkSweepData(data: Dataset): void {
  if (data.labels.length === 0)
    throw new ThimbleError('E_USAGE', `a sweep compares accuracies, and "${data.name}" has no classes`, [
      'Give labelled data: a label column, class-named folders, or an array of labels.',
    ]);
  if (data.sampleCount < LEAST_SAMPLES)
    throw new ThimbleError(
      'E_DATA_EMPTY',
      `${data.sampleCount} samples are too few to train with some, to choose by others and to score the rest`,
      `Give ${LEAST_SAMPLES} samples or more, and hundreds to tell a difference of one point.`,
    );
}

function checkFingerprint(found: Fingerprint, { expected, ...context }: SweepContext): void {
  if (!expected) return;
  const changed = [
    ...(found.model === expected.model ? [] : [context.model]),
    ...(found.data === expected.data ? [] : [context.data.path]),
    ...(found.test === expected.test ? [] : [context.test?.path ?? 'the test data']),
  ];
  if (changed.length > 0)
    throw new ThimbleError('E_FILE', `${changed.join(' and ')} changed while the sweep ran`, [
      'Start the sweep again: what was computed from the old files is not used.',
    ]);
}

const withoutUndefined = <T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
