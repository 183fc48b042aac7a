/**
 * Weights of a pruned network with which its layers compute again what they did in the whole one, as nearly as the
 * channels that are left allow: least squares over what the layers see in samples, layer after layer, each on what the
 * layers before it now give (He et al., "Channel Pruning for Accelerating Very Deep Neural Networks", 2017). It takes no
 * labels and no gradients. Without it a network that lost channels answers by chance, and training begins anew on the
 * few samples that there are, instead of with what the network had learned from many.
 */
import type { Dataset } from '../../core/dataset.js';
import { ThimbleError } from '../../core/errors.js';
import { type Graph, type Node, type Preprocessing, tensorOf } from '../../core/graph.js';
import { seededRandom } from '../../core/seeded-random.js';
import type { OnEvent } from '../../core/stage-event.js';
import { dataOf, elementCount } from '../../core/tensor.js';
import type { Pruned } from '../../passes/prune-channels.js';
import { graphToTf } from '../graph-to-tf.js';
import type { TF } from '../kernels/heap.js';
import { readBatch } from '../labelled-batches.js';
import { trainingBackend } from '../wasm-backend.js';
import { Moments } from './moments.js';
import { isLinear, type Place, rowsAt, tapsOf, tapTable } from './places.js';

export interface RefitOptions {
  readonly indices: readonly number[]; // samples, of which the first 256 are used
  readonly preprocessing?: Preprocessing | undefined;
  readonly seed?: number; // 1
  readonly onEvent?: OnEvent | undefined;
  readonly signal?: AbortSignal | undefined;
}

const SAMPLES = 256;
const PLACES = 8192; // of a layer, over all samples: several times the unknowns of a filter
const BATCH = 64;
/** A system of more unknowns takes taps² · 8 B and taps³ operations: such a layer stays as pruning left it. */
const LARGEST_TAPS = 1536;

/** A layer of the whole network and of the pruned one, and what it is to compute at some places. */
interface Task {
  readonly index: number; // of the node
  readonly places: readonly Place[]; // in the order of samples
  readonly targets: Float32Array; // [places, filters that are left]: its sums in the whole network, bias included
  readonly outputs: number;
}

/**
 * @param whole float32, as it was before `pruned` was made of it
 * @returns the pruned graph with other weights and biases; depthwise layers keep theirs
 * @throws ThimbleError E_UNSUPPORTED_OP where a layer cannot be run here, E_INTERRUPTED
 */
export async function refit(whole: Graph, pruned: Pruned, data: Dataset, options: RefitOptions): Promise<Graph> {
  const lib = await trainingBackend();
  const { onEvent } = options;
  const samples = options.indices.slice(0, SAMPLES);
  if (samples.length === 0) return pruned.graph;
  const tasks = await tasksOf(lib, whole, pruned, data, samples, options);
  let { graph } = pruned;
  for (const [done, task] of tasks.entries()) {
    graph = await fitted(lib, graph, task, data, samples, options);
    onEvent?.({ stage: 'refit', done: done + 1, total: tasks.length });
  }
  return graph;
}

async function tasksOf(
  lib: TF,
  whole: Graph,
  pruned: Pruned,
  data: Dataset,
  samples: readonly number[],
  options: RefitOptions,
): Promise<readonly Task[]> {
  const random = seededRandom(options.seed ?? 1);
  const tasks = [...whole.nodes.entries()]
    .filter(([, node]) => isLinear(whole, node) && tapsOf(whole, node) <= LARGEST_TAPS)
    .map(([index, node]) => {
      const table = tapTable(whole, node);
      const filters = pruned.filters.get(node.inputs[1]!) ?? allFilters(whole, node);
      const places = placesOf(samples.length, table.length, random);
      const targets = new Float32Array(places.length * filters.length);
      return { index, node, table, filters, places, targets, outputs: filters.length, done: 0 };
    });
  await eachBatch(
    lib,
    whole,
    tasks.map(({ node }) => node.inputs[0]!),
    data,
    samples,
    options,
    (inputs, first, count) => {
      for (const [i, task] of tasks.entries()) {
        const here = placesIn(task.places, first, count);
        const rows = rowsAt(inputs[i]!, inputs[i]!.length / count, first, task.table, here);
        task.targets.set(sumsOf(whole, task.node, task.filters, rows), task.done * task.outputs);
        task.done += here.length;
      }
    },
  );
  return tasks;
}

const allFilters = (graph: Graph, { inputs }: Node): readonly number[] =>
  Array.from({ length: tensorOf(graph, inputs[1]!).shape[0]! }, (_, i) => i);

/** All, where there are few; otherwise some, drawn anew. In the order of samples. */
function placesOf(samples: number, positions: number, random: () => number): readonly Place[] {
  const each = Math.min(positions, Math.ceil(PLACES / samples));
  return Array.from({ length: samples * each }, (_, i) => ({
    sample: Math.floor(i / each),
    position: each === positions ? i % each : Math.floor(random() * positions),
  }));
}

const placesIn = (places: readonly Place[], first: number, count: number): readonly Place[] =>
  places.filter(({ sample }) => sample >= first && sample < first + count);

/** [rows, filters]: what a layer's filters give before its activation. */
function sumsOf(graph: Graph, { inputs }: Node, filters: readonly number[], rows: Float32Array): Float32Array {
  const weights = tensorOf(graph, inputs[1]!);
  const taps = elementCount(weights.shape.slice(1));
  const bias = inputs[2] == null ? undefined : dataOf(tensorOf(graph, inputs[2]));
  const sums = new Float32Array((rows.length / taps) * filters.length);
  for (let r = 0, at = 0; r < rows.length; r += taps)
    for (const filter of filters) {
      let sum = bias?.[filter] ?? 0;
      for (let t = 0, w = filter * taps; t < taps; t++, w++) sum += rows[r + t]! * weights.data![w]!;
      sums[at++] = sum;
    }
  return sums;
}

/** @param see gets the wanted tensors of `count` samples, the number of the first of which is `first` */
async function eachBatch(
  lib: TF,
  graph: Graph,
  wanted: readonly string[],
  data: Dataset,
  samples: readonly number[],
  { preprocessing, signal }: RefitOptions,
  see: (tensors: readonly Float32Array[], first: number, count: number) => void,
): Promise<void> {
  const model = graphToTf(lib, graph);
  const [, ...shape] = tensorOf(graph, graph.inputs[0]!).shape;
  try {
    for (let first = 0; first < samples.length; first += BATCH) {
      await new Promise((resume) => setImmediate(resume));
      if (signal?.aborted) throw new ThimbleError('E_INTERRUPTED', 'stopped while refitting the pruned layers', []);
      const batch = samples.slice(first, first + BATCH);
      const values = lib.tidy(() =>
        model
          .forward([lib.tensor(valuesOf(data, batch, preprocessing), [batch.length, ...shape])], wanted)
          .map((tensor) => tensor.dataSync<'float32'>().slice()),
      );
      see(values, first, batch.length);
    }
  } finally {
    model.dispose();
  }
}

const valuesOf = (data: Dataset, batch: readonly number[], preprocessing: Preprocessing | undefined): Float32Array =>
  readBatch(data, batch, preprocessing).values;

async function fitted(
  lib: TF,
  graph: Graph,
  { index, places, targets, outputs }: Task,
  data: Dataset,
  samples: readonly number[],
  options: RefitOptions,
): Promise<Graph> {
  const node = graph.nodes[index]!;
  const [table, taps] = [tapTable(graph, node), tapsOf(graph, node)];
  const moments = new Moments(taps, outputs);
  let done = 0;
  await eachBatch(lib, graph, [node.inputs[0]!], data, samples, options, ([input], first, count) => {
    const here = placesIn(places, first, count);
    const rows = rowsAt(input!, input!.length / count, first, table, here);
    moments.add(lib, rows, targets.subarray(done * outputs, (done + here.length) * outputs));
    done += here.length;
  });
  const weights = tensorOf(graph, node.inputs[1]!);
  const solved = moments.solve(dataOf(weights) as Float32Array, node.inputs[2] != null);
  const tensors = new Map(graph.tensors).set(weights.name, { ...weights, data: solved.weights });
  if (node.inputs[2] != null) tensors.set(node.inputs[2], { ...tensorOf(graph, node.inputs[2]), data: solved.bias });
  return { ...graph, tensors };
}
