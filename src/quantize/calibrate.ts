/**
 * Runs a float32 graph over representative samples and keeps of every tensor what the recipe's calibrator needs: the
 * smallest and largest value always, a moving average of them or a histogram where asked for. One pass over the data.
 */
import { ThimbleError } from '../core/errors.js';
import { type Graph, tensorOf } from '../core/graph.js';
import type { OnEvent } from '../core/stage-event.js';
import { elementCount, shapeText, type TypedArray } from '../core/tensor.js';
import { createInterpreter } from '../interpret/interpreter.js';
import { GrowingHistogram, type Histogram } from './histogram.js';
import { a8w8, type Recipe } from './recipe.js';
import { type Range, unite } from './scales.js';

/** What was seen of one tensor. */
export interface TensorStats extends Range {
  readonly average?: Range; // moving average of each sample's ends
  readonly histogram?: Histogram;
}

/** Plain JSON. */
export interface CalibrationStats {
  readonly sampleCount: number;
  readonly tensors: Readonly<Record<string, TensorStats>>; // inputs and every node's outputs, by tensor name
}

/** One sample: the model's inputs in its order and units, elementCount(shape) values each. */
export type Sample = readonly Float32Array[];

/**
 * @param samples taken one at a time; an async source lets the caller's events and signals through between them
 * @param total for the progress events' `total`, where it is known
 * @param activations the recipe's choice of calibrator: what to keep
 * @throws ThimbleError E_DATA_EMPTY, E_DATA_SHAPE, E_NOT_FINITE with the number of the sample; E_UNSUPPORTED_OP, E_SHAPE,
 *   E_QUANT for a graph that cannot run
 */
export async function calibrate(
  graph: Graph,
  samples: Iterable<Sample> | AsyncIterable<Sample>,
  onEvent: OnEvent = () => {},
  total?: number,
  activations: Recipe['activations'] = a8w8.activations,
): Promise<CalibrationStats> {
  const interpreter = createInterpreter(graph);
  const observers = new Map<string, Observer>();
  let sampleCount = 0;
  for await (const sample of samples) {
    checkSample(graph, sample, sampleCount);
    observe(observers, interpreter.runAll(sample), sampleCount, activations);
    sampleCount++;
    onEvent({ stage: 'calibrate', done: sampleCount, ...(total !== undefined && { total }) });
  }
  if (sampleCount === 0)
    throw new ThimbleError(
      'E_DATA_EMPTY',
      'there is no sample to calibrate with',
      'Give representative data: --data PATH.',
    );
  return { sampleCount, tensors: Object.fromEntries([...observers].map(([name, { stats }]) => [name, stats()])) };
}

function checkSample(graph: Graph, sample: Sample, index: number): void {
  const expected = graph.inputs.map((name) => tensorOf(graph, name));
  expected.forEach((input, i) => {
    const values = sample[i];
    if (sample.length !== expected.length || values?.length !== elementCount(input.shape))
      throw new ThimbleError(
        'E_DATA_SHAPE',
        `sample ${index} has ${values?.length ?? 0} values for the input "${input.name}" ${shapeText(input.shape)}`,
        'Check that data and model belong together.',
      );
    if (!values.every(Number.isFinite)) throw notFinite(`sample ${index} of the data`, 'Clean the data.');
  });
}

function observe(
  observers: Map<string, Observer>,
  values: ReadonlyMap<string, TypedArray>,
  index: number,
  activations: Recipe['activations'],
): void {
  for (const [name, tensor] of values) {
    if (!(tensor instanceof Float32Array)) continue;
    const range = rangeOf(tensor);
    if (!Number.isFinite(range.min) || !Number.isFinite(range.max))
      throw notFinite(
        `"${name}" for sample ${index}`,
        'Check the weights, and that the data is scaled as in training.',
      );
    let observer = observers.get(name);
    if (!observer) observers.set(name, (observer = createObserver(activations)));
    observer.see(tensor, range);
  }
}

interface Observer {
  see(values: Float32Array, range: Range): void;
  stats(): TensorStats;
}

function createObserver({ calibrator, momentum = 0.99 }: Recipe['activations']): Observer {
  let extremes: Range | undefined;
  let average: Range | undefined;
  const histogram = ['percentile', 'entropy', 'mse'].includes(calibrator) ? new GrowingHistogram() : undefined;
  const blend = (before: number, now: number): number => momentum * before + (1 - momentum) * now;
  return {
    see(values, range) {
      extremes = extremes ? unite(extremes, range) : range;
      if (calibrator === 'moving-average')
        average = average ? { min: blend(average.min, range.min), max: blend(average.max, range.max) } : range;
      histogram?.add(values, range);
    },
    stats: () => ({ ...extremes!, ...(average && { average }), ...(histogram && { histogram: histogram.snapshot() }) }),
  };
}

/** NaN in a value makes both ends NaN. */
function rangeOf(values: TypedArray): Range {
  let [min, max] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < min) min = value;
    if (value > max) max = value;
    if (Number.isNaN(value)) return { min: Number.NaN, max: Number.NaN };
  }
  return { min, max };
}

const notFinite = (where: string, hint: string): ThimbleError =>
  new ThimbleError('E_NOT_FINITE', `NaN or Infinity in ${where}`, hint);
