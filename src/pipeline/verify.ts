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
import type { TypedArray } from '../core/tensor.js';
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

export interface Mismatch {
  readonly sample: number; // index in the data
  readonly differingBytes: number;
  readonly layer: { readonly index: number; readonly node: string; readonly op: string } | null; // null: no layer hooks
}

export interface VerifyReport {
  readonly n: number;
  readonly bitExact: number; // samples whose every output byte is the reference's
  readonly firstMismatch: Mismatch | null;
  readonly accuracy: Proportion | null; // on the device; null without classes
  readonly referenceAccuracy: Proportion | null; // of the same samples
  readonly latencies: readonly Latency[]; // one a sample
}

/** @throws ThimbleError E_WRONG_FIRMWARE; E_DATA_SHAPE; what the link throws */
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
  let [bitExact, hits, referenceHits, labelled] = [0, 0, 0, 0];
  let firstMismatch: Mismatch | null = null;
  for (const [k, sample] of options.indices.entries()) {
    if (options.signal?.aborted)
      throw new ThimbleError('E_INTERRUPTED', `stopped after ${k} of ${options.indices.length} samples`, []);
    const encoded = encodeSample(dataset, sample, input, options.preprocessing);
    const expected = interpreter.run([encoded]);
    const { outputs, reading } = await runOnBoard(link, encoded, expected);
    if (reading?.kind === 'inference') {
      latencies.push(reading.latency);
      options.onReading?.(reading);
    }
    const differingBytes = countDiffering(outputs, expected);
    if (differingBytes === 0) bitExact++;
    else
      firstMismatch ??= {
        sample,
        differingBytes,
        layer: await findLayer(link, model, interpreter.runLayers([encoded])),
      };
    const wanted = dataset.classOf(sample);
    if (wanted !== undefined) {
      labelled++;
      if (argMax(outputs[0]!) === wanted) hits++;
      if (argMax(expected[0]!) === wanted) referenceHits++;
    }
    options.onEvent?.({ stage: 'verify', done: k + 1, total: options.indices.length });
  }
  return {
    n: options.indices.length,
    bitExact,
    firstMismatch,
    accuracy: labelled > 0 ? proportion(hits, labelled) : null,
    referenceAccuracy: labelled > 0 ? proportion(referenceHits, labelled) : null,
    latencies,
  };
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
      where: layer
        ? `at node "${layer.node}" (${layer.op}), operator ${layer.index}: the first that differs`
        : 'in a firmware without layer hooks',
    },
  );
}

async function runOnBoard(link: DeviceLink, encoded: TypedArray, expected: readonly TypedArray[]) {
  await link.loadInput(bytesOf(encoded));
  const [reading] = await link.run(1);
  const bytes = await link.output();
  let at = 0;
  const outputs = expected.map((like) => {
    const size = like.byteLength;
    const copy = bytes.slice(at, at + size); // a copy: the view below needs its own alignment
    at += size;
    return new (like.constructor as new (buffer: ArrayBufferLike, offset: number, length: number) => TypedArray)(
      copy.buffer,
      copy.byteOffset,
      copy.length / like.BYTES_PER_ELEMENT,
    );
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
): Promise<Mismatch['layer']> {
  if (!link.handshake.hasLayerHooks) return null;
  const divergence = firstDivergingLayer(await link.layers(), reference);
  const node = divergence && graph.nodes[divergence.layer];
  return node ? { index: divergence.layer, node: node.name, op: node.op } : null;
}
