/**
 * How large an arena TensorFlow Lite Micro needs, as an upper bound: what its allocator keeps per tensor, node and
 * channel, each structure at its size on a 32-bit core rounded up, beside the plan that its own planner makes.
 *
 * The arena is used from both ends. The tail keeps what stays; the head holds the tensors while the model runs, and
 * before that the planner's own work. So a small model needs the planner's room, which arena_used_bytes() does not
 * count: an arena of that size fails. Sources: tflite-micro, micro_allocator.cc, greedy_memory_planner.cc; CMSIS-NN,
 * arm_*_get_buffer_size. Kernels with more scratch memory than CMSIS-NN's (ESP-NN) are not covered.
 */
import { type Graph, isConstant, type Node, tensorOf } from '../core/graph.js';
import { byteCount, type TensorSpec } from '../core/tensor.js';

const ALIGNMENT = 16; // of the arena and of most that lies in it
const INTERPRETER_BYTES = 384; // allocators, planner, subgraph, each once
const EVAL_TENSOR_BYTES = 12; // data, dims, type; constants have one too
const NODE_BYTES = 40; // TfLiteNode and its registration
const NODE_PARAMETER_BYTES = 48; // TfLiteConvParams is the largest
const KERNEL_BYTES = 96; // OpData of a convolution
const CHANNEL_BYTES = 8; // multiplier and shift
const INTERFACE_TENSOR_BYTES = 144; // a TfLiteTensor with its quantization, for each input and output
const SCRATCH_REQUEST_BYTES = 16;
const SPARE_SCRATCH_REQUESTS = 12; // that every kernel may make
const TEMPORARY_TENSORS = 6; // that a kernel looks at while it prepares
const PLAN_BYTES = 32; // AllocationInfo, of every tensor and scratch buffer
const PLANNED_BYTES = 40; // the planner's own, of every buffer that it places

export interface TflmArena {
  readonly bytes: number; // to reserve
  readonly tailBytes: number;
  readonly planBytes: number; // tensors and scratch memory, as the greedy planner lays them out
  readonly planningBytes: number; // what making that plan takes for a moment
}

/** @param vectors whether the core has MVE: its kernels want more scratch memory for depthwise convolutions */
export function tflmArena(graph: Graph, { vectors = false } = {}): TflmArena {
  const tensors = [...graph.tensors.values()];
  const scratch = graph.nodes.map((node) => scratchBytes(graph, node, vectors));
  const scratchCount = scratch.filter((bytes) => bytes > 0).length;
  const interfaces = graph.inputs.length + graph.outputs.length;
  const tailBytes =
    INTERPRETER_BYTES +
    tensors.length * EVAL_TENSOR_BYTES +
    graph.nodes.length * (NODE_BYTES + NODE_PARAMETER_BYTES + KERNEL_BYTES + ALIGNMENT) +
    graph.nodes.reduce((sum, node) => sum + channelBytes(graph, node), 0) +
    interfaces * INTERFACE_TENSOR_BYTES +
    scratchCount * 8;
  const buffers = buffersOf(graph, scratch);
  const requests = SCRATCH_REQUEST_BYTES * (SPARE_SCRATCH_REQUESTS + scratchCount);
  const planning = requests + PLAN_BYTES * (tensors.length + scratchCount) + PLANNED_BYTES * buffers.length;
  const preparing = requests + TEMPORARY_TENSORS * INTERFACE_TENSOR_BYTES;
  const planningBytes = Math.max(planning, preparing) + 4 * ALIGNMENT;
  // Among buffers of one size the planner goes by their numbers, which a converter may give otherwise than we do.
  const planBytes = Math.max(greedyPlan(buffers), greedyPlan([...buffers].reverse()));
  const bytes = align(ALIGNMENT + tailBytes + Math.max(planBytes, planningBytes));
  return { bytes, tailBytes, planBytes, planningBytes };
}

const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** Multipliers and shifts of the layers that have them per channel, and the sums of fully_connected's weights. */
function channelBytes(graph: Graph, { op, outputs }: Node): number {
  const channels = tensorOf(graph, outputs[0]!).shape.at(-1) ?? 1;
  if (['conv_2d', 'depthwise_conv_2d', 'transpose_conv', 'fully_connected'].includes(op))
    return channels * CHANNEL_BYTES + 2 * ALIGNMENT;
  return 0;
}

/** What CMSIS-NN's kernels ask for, the largest of their variants. */
function scratchBytes(graph: Graph, { op, inputs, outputs }: Node, vectors: boolean): number {
  const shapeOf = (name: string): readonly number[] => tensorOf(graph, name).shape;
  const channels = shapeOf(outputs[0]!).at(-1) ?? 1;
  if (op === 'average_pool_2d' || op === 'mean') return 4 * channels;
  if (op === 'fully_connected') return 4 * channels; // sums of the weights, with MVE
  if (op === 'transpose_conv') return 4 * shapeOf(outputs[0]!).reduce((a, b) => a * b, 1); // its sums
  if (op !== 'conv_2d' && op !== 'depthwise_conv_2d') return 0;
  const [, height = 1, width = 1, depth = 1] = shapeOf(inputs[1]!);
  const taps = height * width * depth; // of one output; depth is the number of channels in a depthwise layer
  if (op === 'conv_2d') return 4 * Math.ceil(taps / 4) * 4; // two columns of int16, or four of int8
  const dsp = 2 * taps;
  const mve = 4 * 124 * height * width + 4; // blocks of 124 channels
  return vectors ? Math.max(dsp, mve) : dsp;
}

interface Buffer {
  readonly bytes: number;
  readonly first: number; // step
  readonly last: number;
}

/** Every tensor that is not constant, and the scratch memory of the nodes, with their times. */
function buffersOf(graph: Graph, scratch: readonly number[]): readonly Buffer[] {
  const end = graph.nodes.length - 1;
  const buffers: Buffer[] = [];
  for (const tensor of graph.tensors.values()) {
    if (isConstant(tensor)) continue;
    const readers = graph.nodes.flatMap(({ inputs }, step) => (inputs.includes(tensor.name) ? [step] : []));
    const writer = graph.nodes.findIndex(({ outputs }) => outputs.includes(tensor.name));
    const last = graph.outputs.includes(tensor.name) || tensor.isVariable ? end : Math.max(writer, 0, ...readers);
    buffers.push({ bytes: align(byteCount(tensor as TensorSpec)), first: Math.max(0, writer), last });
  }
  scratch.forEach((bytes, step) => {
    if (bytes > 0) buffers.push({ bytes: align(bytes), first: step, last: step });
  });
  return buffers;
}

/** Largest first, each at the lowest place that is free in its time; of equals the later one first. Bytes it takes. */
function greedyPlan(buffers: readonly Buffer[]): number {
  const order = [...buffers].reverse().sort((a, b) => b.bytes - a.bytes);
  const placed: (Buffer & { readonly offset: number })[] = [];
  let total = 0;
  for (const buffer of order) {
    let offset = 0;
    for (const other of placed) {
      if (other.first > buffer.last || buffer.first > other.last) continue;
      if (other.offset - offset >= buffer.bytes) break; // the gap before it is large enough
      offset = Math.max(offset, other.offset + other.bytes);
    }
    placed.push({ ...buffer, offset });
    placed.sort((a, b) => a.offset - b.offset);
    total = Math.max(total, offset + buffer.bytes);
  }
  return total;
}
