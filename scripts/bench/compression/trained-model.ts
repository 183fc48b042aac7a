/** Units that end in a trained model: the model itself is kept with its figures, so that later units begin with it. */
import { join } from 'node:path';
import type { Dataset } from '../../../src/core/dataset.js';
import type { Graph } from '../../../src/core/graph.js';
import { emitTflite } from '../../../src/emit/tflite.js';
import { scoreEngine } from '../../../src/evaluate/score.js';
import { importModel } from '../../../src/importers/index.js';
import { referenceEngine } from '../../../src/interpret/interpreter.js';
import { simplify } from '../../../src/passes/index.js';
import { checkpointIn } from '../../../src/train/checkpoint.js';
import { type EpochRecord, type FineTuneOptions, fineTune } from '../../../src/train/fine-tune.js';
import type { Json, Units } from './stage.js';

export interface Trained {
  readonly tflite: string; // base64 of the float model
  readonly history: readonly EpochRecord[];
}

/** Trains once; stopped, it goes on after the last whole epoch. */
export const trainedOnce = (
  units: Units,
  unit: string,
  madeOf: Json,
  graph: () => Promise<Graph>,
  data: Dataset,
  options: FineTuneOptions,
): Promise<Trained> =>
  units.once(unit, madeOf, async () => {
    const checkpoint = checkpointIn(join(units.folder, `${unit}-training`));
    const tell = ({ message }: { readonly message?: string }): void => {
      if (message !== undefined) units.log(`${unit}: ${message}`);
    };
    const { graph: tuned, history } = await fineTune(await graph(), data, { ...options, checkpoint, onEvent: tell });
    const tflite = Buffer.from(emitTflite(tuned)).toString('base64');
    checkpoint.clear();
    return { tflite, history };
  });

export async function graphOf({ tflite }: Pick<Trained, 'tflite'>): Promise<Graph> {
  const bytes = new Uint8Array(Buffer.from(tflite, 'base64'));
  const file = { name: 'trained.tflite', bytes, sibling: () => new Uint8Array() };
  return simplify(await importModel(file)).graph;
}

/** One digit a sample: 1 = right. Kept whole, so that two models can be compared sample by sample. */
export async function rightAnswers(graph: Graph, data: Dataset, indices: readonly number[]): Promise<string> {
  const tensors = (names: readonly string[]) => names.map((name) => graph.tensors.get(name)!);
  const io = { inputs: tensors(graph.inputs), outputs: tensors(graph.outputs) };
  const { predictions } = await scoreEngine(referenceEngine(graph), io, data, { indices });
  return indices.map((index, k) => (predictions[k] === data.classOf(index) ? '1' : '0')).join('');
}
