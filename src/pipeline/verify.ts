/**
 * The proof: samples go to the board, its raw output bytes come back and are held against the reference interpreter's.
 * The accuracy on the device comes out of the same run.
 */
import type { Dataset } from '../core/dataset.js';
import { encodeSample } from '../core/encode-sample.js';
import { ThimbleError } from '../core/errors.js';
import { type Preprocessing, tensorOf } from '../core/graph.js';
import type { Latency, Reading } from '../core/reading.js';
import type { OnEvent } from '../core/stage-event.js';
import { elementCount, type TypedArray } from '../core/tensor.js';
import { bytesOf, firstDivergingLayer } from '../device/first-diverging-layer.js';
import type { DeviceLink } from '../device/protocol.js';
import { checkFirmware } from '../engines/device-engine.js';
import { type Proportion, proportion } from '../evaluate/interval.js';
import { argMax, checkSamplesFit } from '../evaluate/score.js';
import { createInterpreter } from '../interpret/interpreter.js';
import { interfaceOf } from './compare.js';
import type { LoadedModel } from './load-model.js';

export interface VerifyOptions {
  readonly indices: readonly number[];
  readonly preprocessing: Preprocessing | undefined;
  readonly onEvent?: OnEvent | undefined;
  readonly onReading?: ((reading: Reading) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The first operator whose output differs when the sample is run again, and where in it. */
export interface DivergingLayer {
  readonly index: number;
  readonly node: string;
  readonly op: string;
  readonly elements: number;
  readonly differing: number; // of them
  readonly first: { readonly element: number; readonly board: number; readonly host: number } | null;
}

export interface Mismatch {
  readonly sample: number; // index in the data
  readonly differingBytes: number;
  readonly layer: DivergingLayer | null; // null: no layer hooks, or right when it was run again
}

export interface VerifyReport {
  readonly n: number; // samples that were run
  readonly wanted: number; // that were to be run; more than n where it was stopped
  readonly bitExact: number; // samples whose every output byte is the reference's
  readonly firstMismatch: Mismatch | null;
  readonly accuracy: Proportion | null; // on the device; null without classes
  readonly referenceAccuracy: Proportion | null; // of the same samples
  readonly sameClass: Proportion | null; // as the host finds; null for models with a single output
  readonly latencies: readonly Latency[]; // one a sample
  /** What ended it before all samples were run; to be thrown after the figures were shown. */
  readonly stopped: ThimbleError | null;
}

/**
 * What goes wrong behind the first sample ends it with the figures of those that were run.
 * @throws ThimbleError E_WRONG_FIRMWARE; E_DATA_SHAPE; what the link throws at the first sample
 */
export async function verifyOnBoard(
  link: DeviceLink,
  model: LoadedModel,
  dataset: Dataset,
  options: VerifyOptions,
): Promise<VerifyReport> {
  checkFirmware(link, model.sha256);
  checkSamplesFit(interfaceOf(model, undefined), dataset);
  const interpreter = createInterpreter(model.graph);
  const input = tensorOf(model.graph, model.graph.inputs[0]!);
  const latencies: Latency[] = [];
  let [n, bitExact, hits, referenceHits, labelled, same] = [0, 0, 0, 0, 0, 0];
  let firstMismatch: Mismatch | null = null;
  const verifyOne = async (sample: number): Promise<void> => {
    const encoded = encodeSample(dataset, sample, input, options.preprocessing);
    const expected = interpreter.run([encoded]);
    const { outputs, reading } = await runOnBoard(link, encoded, expected);
    if (reading?.kind === 'inference') {
      latencies.push(reading.latency);
      options.onReading?.(reading);
    }
    n++;
    const differingBytes = countDiffering(outputs, expected);
    const [found, wanted] = [argMax(outputs[0]!), argMax(expected[0]!)];
    if (found === wanted) same++;
    const label = dataset.classOf(sample);
    if (label !== undefined) {
      labelled++;
      if (found === label) hits++;
      if (wanted === label) referenceHits++;
    }
    if (differingBytes === 0) bitExact++;
    else if (!firstMismatch) {
      firstMismatch = { sample, differingBytes, layer: null }; // stays so where the board is lost while it is looked for
      const layer = await findLayer(link, model, interpreter.runLayers([encoded]));
      firstMismatch = { sample, differingBytes, layer };
    }
  };
  const { indices } = options;
  const stopped = await untilStopped(indices, verifyOne, () => n, options);
  return {
    ...{ n, wanted: indices.length, bitExact, firstMismatch, latencies, stopped },
    accuracy: labelled > 0 ? proportion(hits, labelled) : null,
    referenceAccuracy: labelled > 0 ? proportion(referenceHits, labelled) : null,
    sameClass: elementCount(tensorOf(model.graph, model.graph.outputs[0]!).shape) > 1 ? proportion(same, n) : null,
  };
}

/** @returns what ended it early; thrown where nothing was done yet */
async function untilStopped(
  indices: readonly number[],
  work: (sample: number) => Promise<void>,
  done: () => number,
  { onEvent, signal }: VerifyOptions,
): Promise<ThimbleError | null> {
  for (const sample of indices) {
    try {
      if (signal?.aborted)
        throw new ThimbleError('E_INTERRUPTED', `stopped after ${done()} of ${indices.length} samples`, []);
      await work(sample);
    } catch (error) {
      if (!(error instanceof ThimbleError) || done() === 0) throw error;
      return error;
    }
    onEvent?.({ stage: 'verify', done: done(), total: indices.length });
  }
  return null;
}

/** E_VERIFY_MISMATCH where any byte differed: to be thrown after the figures were shown. */
export function mismatchError({ n, bitExact, firstMismatch }: VerifyReport): ThimbleError | null {
  if (!firstMismatch) return null;
  const { layer, sample, differingBytes } = firstMismatch;
  return new ThimbleError(
    'E_VERIFY_MISMATCH',
    `the board differs from the host on ${n - bitExact} of ${n} samples; first on sample ${sample}, in ${differingBytes} ${differingBytes === 1 ? 'byte' : 'bytes'} of the output`,
    ['Build and flash again: thimble deploy MODEL --board BOARD', 'If it stays, please report it with the model.'],
    {
      where: layer ? layerText(layer) : 'in a firmware without layer hooks, or one that was right when asked again',
    },
  );
}

function layerText({ node, op, index, differing, elements, first }: DivergingLayer): string {
  const where = `at node "${node}" (${op}), operator ${index}, the first that differs`;
  if (!first) return `${where}, though not when it was asked for its bytes: the fault comes and goes`;
  const { element, board, host } = first;
  return `${where}: in ${differing} of ${elements} values, first in value ${element}, ${board} instead of ${host}`;
}

async function runOnBoard(link: DeviceLink, encoded: TypedArray, expected: readonly TypedArray[]) {
  await link.loadInput(bytesOf(encoded));
  const [reading] = await link.run(1);
  const bytes = await link.output();
  let at = 0;
  const outputs = expected.map((like) => {
    const copy = bytes.slice(at, at + like.byteLength); // its own, so aligned, buffer
    at += like.byteLength;
    return new (like.constructor as new (buffer: ArrayBufferLike) => TypedArray)(copy.buffer);
  });
  return { outputs, reading };
}

function countDiffering(outputs: readonly TypedArray[], expected: readonly TypedArray[]): number {
  let count = 0;
  expected.forEach((values, i) => {
    const [a, b] = [bytesOf(values), bytesOf(outputs[i]!)];
    for (let k = 0; k < a.length; k++) if (a[k] !== b[k]) count++;
  });
  return count;
}

async function findLayer(
  link: DeviceLink,
  { graph }: LoadedModel,
  reference: readonly TypedArray[],
): Promise<DivergingLayer | null> {
  if (!link.handshake.hasLayerHooks) return null;
  const divergence = firstDivergingLayer(await link.layers(), reference);
  const node = divergence && graph.nodes[divergence.layer];
  if (!node) return null;
  const host = reference[divergence.layer]!;
  const board = sameType(await link.layer(divergence.layer), host);
  const differs = (value: number, k: number): boolean => !Object.is(value, board[k]);
  const values = [...host].map(Number);
  const element = values.findIndex(differs);
  return {
    ...{ index: divergence.layer, node: node.name, op: node.op },
    ...{ elements: host.length, differing: values.filter(differs).length },
    first: element < 0 ? null : { element, board: board[element] ?? Number.NaN, host: values[element]! },
  };
}

/** Bytes of the board's as numbers, read as the host's array is. */
function sameType(bytes: Uint8Array, like: TypedArray): readonly number[] {
  const copy = bytes.slice(0, bytes.length - (bytes.length % like.BYTES_PER_ELEMENT)); // its own, so aligned, buffer
  const type = like.constructor as new (buffer: ArrayBufferLike) => TypedArray;
  return [...new type(copy.buffer)].map(Number);
}
