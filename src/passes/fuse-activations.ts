/** Lets the node before clamp its own output: relu and relu6 become its `activation`. */
import type { Graph } from '../core/graph.js';
import type { Activation } from '../ops/activation.js';
import { GraphEdit } from './graph-edit.js';
import type { PassResult } from './pass.js';

/** What two clamps in a row come to; a pair that is missing stays two nodes. */
const combined: Readonly<Record<string, Activation>> = {
  'none relu': 'relu',
  'relu relu': 'relu',
  'relu6 relu': 'relu6',
  'none relu6': 'relu6',
  'relu relu6': 'relu6',
  'relu6 relu6': 'relu6',
};

/** Those whose kernels clamp. TFLite Micro leaves the activation of a transpose_conv out; prelu has none in a .tflite. */
const clamping: ReadonlySet<string> = new Set([
  'add',
  'average_pool_2d',
  'conv_2d',
  'depthwise_conv_2d',
  'fully_connected',
  'max_pool_2d',
  'mul',
  'sub',
]);

/** Only float32: in int8 the tensor between the two has a range of its own. */
export function fuseActivations(graph: Graph): PassResult {
  const edit = new GraphEdit(graph);
  for (const node of edit.nodes()) {
    const [input] = node.inputs;
    const producer = input == null ? undefined : edit.producer(input);
    if (input == null || !producer || !clamping.has(producer.op) || !edit.isReadOnlyBy(input, node)) continue;
    const activation = combined[`${String(producer.attrs['activation'])} ${node.op}`];
    if (activation === undefined || edit.tensor(node.outputs[0]!).dtype !== 'float32') continue;
    edit.note(`${node.op} "${node.name}" is fused into "${producer.name}"`);
    edit.remove(node);
    edit.replace(producer, { ...producer, outputs: node.outputs, attrs: { ...producer.attrs, activation } });
  }
  return edit.finish('fuse-activations');
}
