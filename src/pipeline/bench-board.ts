/** A model on a board, timed: warm-up, many runs, each told by the firmware's own timer. */
import type { Dataset } from '../core/dataset.js';
import { encodeSample } from '../core/encode-sample.js';
import { ThimbleError } from '../core/errors.js';
import { type Graph, type Preprocessing, tensorOf } from '../core/graph.js';
import type { Latency, MemoryReading, Origin } from '../core/reading.js';
import { seededRandom } from '../core/seeded-random.js';
import type { OnEvent } from '../core/stage-event.js';
import { arrayTypeOf, elementCount, shapeText, type TypedArray } from '../core/tensor.js';
import { bytesOf } from '../device/first-diverging-layer.js';
import type { LinkStatistics } from '../device/link-statistics.js';
import type { DeviceLink } from '../device/protocol.js';
import { checkFirmware } from '../engines/device-engine.js';
import { type LatencySummary, summarizeLatencies } from '../evaluate/latency-summary.js';
import { type Interval, medianInterval } from '../evaluate/median-interval.js';
import { createInterpreter } from '../interpret/interpreter.js';
import type { LoadedModel } from './load-model.js';
import { type MlperfReport, mlperfWindows } from './mlperf-windows.js';

export interface BoardBenchOptions {
  readonly runs: number;
  readonly warmUps: number;
  /** Default: one input of seeded random bytes; the time of an int8 network does not depend on it. */
  readonly data?: { readonly dataset: Dataset; readonly preprocessing: Preprocessing | undefined } | undefined;
  /** Five windows of so many seconds, in the style of MLPerf Tiny. */
  readonly mlperf?: { readonly windowSeconds: number } | undefined;
  readonly onEvent?: OnEvent | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface TimedPart extends LatencySummary {
  readonly interval: Interval | null; // of the median, 95 %
}

export interface TimedLayer {
  readonly index: number;
  readonly name: string;
  readonly op: string;
  readonly output: string; // its shape
  readonly latency: Latency; // of one run
}

export interface BoardBench {
  readonly origin: Origin;
  readonly clockHz: number; // 0 where the firmware does not know
  readonly warmUps: number;
  readonly latency: TimedPart; // the copy of the input and the inference
  readonly pre: TimedPart | null; // of it, the copy
  readonly post: TimedPart | null; // behind it, finding the class
  readonly layers: readonly TimedLayer[]; // none without layer hooks
  readonly memory: MemoryReading;
  readonly bitExact: boolean; // the output bytes of the last run equal the reference's
  readonly mlperf: MlperfReport | null;
  readonly link: LinkStatistics | null; // null: it spoke text
}

/** Of one command: between two of them, what is done is told, and Ctrl-C is heard. */
const RUNS_AT_ONCE = 10;

/** @throws ThimbleError E_WRONG_FIRMWARE; E_USAGE where windows of time make no sense; what the link throws */
export async function benchOnBoard(
  link: DeviceLink,
  model: LoadedModel,
  options: BoardBenchOptions,
): Promise<BoardBench> {
  const { runs, warmUps, onEvent, signal, mlperf } = options;
  checkFirmware(link, model.sha256);
  if (mlperf && link.identity.origin === 'virtual-instructions')
    throw new ThimbleError('E_USAGE', 'this virtual board counts instructions, and MLPerf Tiny asks for time', [
      'Use a real board, or the virtual Pico, which counts cycles.',
      'Without --mlperf, the instructions of each inference are counted.',
    ]);
  const inputs = inputsOf(model.graph, options);
  await link.loadInput(new Uint8Array(Buffer.concat(inputs.map(bytesOf))));
  const parts: Record<'latency' | 'pre' | 'post', Latency[]> = { latency: [], pre: [], post: [] };
  for (let done = 0; done < runs; done = parts.latency.length) {
    if (signal?.aborted) throw new ThimbleError('E_INTERRUPTED', `stopped after ${done} of ${runs} runs`, []);
    for (const reading of await link.run(Math.min(RUNS_AT_ONCE, runs - done), done === 0 ? warmUps : 0)) {
      if (reading.kind !== 'inference') continue;
      parts.latency.push(reading.latency);
      if (reading.pre) parts.pre.push(reading.pre);
      if (reading.post) parts.post.push(reading.post);
    }
    onEvent?.({ stage: 'bench', done: parts.latency.length, total: runs });
  }
  const expected = createInterpreter(model.graph).run(inputs);
  const bitExact = Buffer.compare(await link.output(), Buffer.concat(expected.map(bytesOf))) === 0;
  const latency = timed(parts.latency)!;
  return {
    origin: link.identity.origin,
    clockHz: link.handshake.clockHz,
    warmUps,
    ...{ latency, pre: timed(parts.pre), post: timed(parts.post) },
    layers: link.handshake.hasLayerHooks ? await timedLayers(link, model.graph) : [],
    memory: await link.memory(),
    bitExact,
    mlperf: mlperf
      ? await mlperfWindows(link, { ...mlperf, medianUs: latency.median, warmUps, onEvent, signal })
      : null,
    link: link.statistics ?? null,
  };
}

function timed(latencies: readonly Latency[]): TimedPart | null {
  const summary = summarizeLatencies(latencies);
  return summary && { ...summary, interval: medianInterval(latencies.map(({ value }) => value)) };
}

async function timedLayers(link: DeviceLink, graph: Graph): Promise<readonly TimedLayer[]> {
  return (await link.layers()).map(({ layer, latency }) => {
    const node = graph.nodes[layer]!; // the handshake told as many as the model has, for it is the same model
    return {
      index: layer,
      name: node.name,
      op: node.op,
      output: shapeText(tensorOf(graph, node.outputs[0]!).shape),
      latency,
    };
  });
}

function inputsOf(graph: Graph, { data }: BoardBenchOptions): readonly TypedArray[] {
  const tensors = graph.inputs.map((name) => tensorOf(graph, name));
  if (data) return [encodeSample(data.dataset, 0, tensors[0]!, data.preprocessing)];
  const random = seededRandom(1);
  return tensors.map(({ dtype, shape }) => {
    const values = new arrayTypeOf[dtype](elementCount(shape));
    const limit = dtype === 'float32' ? 1 : 2 ** (8 * values.BYTES_PER_ELEMENT - 1);
    return values.map(() => (dtype === 'float32' ? random() : Math.floor(2 * limit * random()) - limit)) as TypedArray;
  });
}
