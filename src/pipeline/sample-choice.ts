/** Which samples calibrate, which train and which score. No sample that scores takes part in a choice or in training. */
import type { Dataset } from '../core/dataset.js';
import { stratifiedIndices } from '../datasets/index.js';

/** Share of the data that is held out for scoring where training takes the rest, and as much again to choose by. */
const HELD_OUT = 0.2;

export interface SampleChoice {
  readonly calibration: readonly number[]; // of the data
  readonly training: readonly number[]; // of the data; empty unless there is training, and labels
  readonly selection: readonly number[]; // of the data: to choose between recipes; empty unless asked for
  readonly scoring: readonly number[]; // of scoringData
  readonly scoringData: Dataset;
  readonly scoredOn: 'test data' | 'held-out samples' | 'the calibration samples' | 'nothing';
}

export interface ChoiceOptions {
  readonly calibration: number;
  readonly trains: boolean; // whether the recipe needs samples to train on
  readonly selects?: boolean; // whether samples are held out to choose between recipes
  readonly test?: Dataset | undefined;
  readonly scoreLimit: number;
  readonly seed: number;
}

/** Deterministic: class-stratified by seed, indices in ascending order. */
export function chooseSamples(data: Dataset, options: ChoiceOptions): SampleChoice {
  const { test, seed, scoreLimit } = options;
  const labelled = data.labels.length > 0;
  const trains = options.trains && labelled;
  const selects = options.selects === true;
  const share = Math.ceil(data.sampleCount * HELD_OUT);
  const all = Array.from({ length: data.sampleCount }, (_, i) => i);
  const heldOut = new Set(test || !(trains || selects) ? [] : stratifiedIndices(data, share, seed));
  const rest = all.filter((i) => !heldOut.has(i));
  const selection = selects ? stratifiedIndices(data, Math.min(share, scoreLimit), seed, rest) : [];
  const chosenBy = new Set(selection);
  const usable = rest.filter((i) => !chosenBy.has(i));
  const calibration = stratifiedIndices(data, Math.min(options.calibration, usable.length), seed, usable);
  const training = trains ? usable : [];
  if (test) {
    const scoring = stratifiedIndices(test, Math.min(scoreLimit, test.sampleCount), seed);
    return { calibration, training, selection, scoring, scoringData: test, scoredOn: 'test data' };
  }
  const used = new Set(calibration);
  const unseen = trains || selects ? [...heldOut] : all.filter((i) => !used.has(i));
  const shared = { calibration, training, selection, scoringData: data };
  if (unseen.length > 0)
    return {
      ...shared,
      scoring: stratifiedIndices(data, Math.min(scoreLimit, unseen.length), seed, unseen),
      scoredOn: 'held-out samples',
    };
  return { ...shared, scoring: calibration, scoredOn: 'the calibration samples' };
}
