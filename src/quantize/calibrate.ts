/** Runs a float32 graph over representative samples and keeps the smallest and largest value of every tensor. */
import { ThimbleError } from '../core/errors.js';
import { type Graph, tensorOf } from '../core/graph.js';
import type { OnEvent } from '../core/stage-event.js';
import { elementCount, shapeText, type TypedArray } from '../core/tensor.js';
import { createInterpreter } from '../interpret/interpreter.js';
import { type Range, unite } from './scales.js';

/** Plain JSON. */
export interface CalibrationStats {
  readonly sampleCount: number;
  readonly tensors: Readonly<Record<string, Range>>; // inputs and every node's outputs, by tensor name
}

/** One sample: the model's inputs in its order and units, elementCount(shape) values each. */
export type Sample = readonly Float32Array[];

/**
 * @param samples taken one at a time; an async source lets the caller's events and signals through between them
 * @param total for the progress events' `total`, where it is known
 * @throws ThimbleError E_DATA_EMPTY, E_DATA_SHAPE, E_NOT_FINITE with the number of the sample; E_UNSUPPORTED_OP, E_SHAPE,
 *   E_QUANT for a graph that cannot run
 */
export async function calibrate(
  graph: Graph,
  samples: Iterable<Sample> | AsyncIterable<Sample>,
  onEvent: OnEvent = () => {},
  total?: number,
): Promise<CalibrationStats> {
  const interpreter = createInterpreter(graph);
  const ranges = new Map<string, Range>();
  let sampleCount = 0;
  for await (const sample of samples) {
    checkSample(graph, sample, sampleCount);
    observe(ranges, interpreter.runAll(sample), sampleCount);
    sampleCount++;
    onEvent({ stage: 'calibrate', done: sampleCount, ...(total !== undefined && { total }) });
  }
  if (sampleCount === 0)
    throw new ThimbleError(
      'E_DATA_EMPTY',
      'there is no sample to calibrate with',
      'Give representative data: --data PATH.',
    );
  return { sampleCount, tensors: Object.fromEntries(ranges) };
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

function observe(ranges: Map<string, Range>, values: ReadonlyMap<string, TypedArray>, index: number): void {
  for (const [name, tensor] of values) {
    if (!(tensor instanceof Float32Array)) continue;
    const range = rangeOf(tensor);
    if (!Number.isFinite(range.min) || !Number.isFinite(range.max))
      throw notFinite(
        `"${name}" for sample ${index}`,
        'Check the weights, and that the data is scaled as in training.',
      );
    const before = ranges.get(name);
    ranges.set(name, before ? unite(before, range) : range);
  }
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
