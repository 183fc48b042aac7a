/** An explicit pad before a VALID convolution goes where SAME pads just so; both pad with real zeros. */
import type { Graph, Node } from '../core/graph.js';
import { sameQuant } from '../core/tensor.js';
import { GraphEdit } from './graph-edit.js';
import type { PassResult } from './pass.js';

export function foldPadding(graph: Graph): PassResult {
  const edit = new GraphEdit(graph);
  for (const node of edit.nodes()) {
    const [padded] = node.inputs;
    const pad = padded == null ? undefined : edit.producer(padded);
    const [source] = pad?.inputs ?? [];
    if (pad?.op !== 'pad' || source == null || padded == null || !isFoldable(edit, pad, node)) continue;
    edit.note(`pad "${pad.name}" becomes the SAME padding of "${node.name}"`);
    const inputs = [source, ...node.inputs.slice(1)];
    edit.replace(node, { ...node, inputs, attrs: { ...node.attrs, padding: 'SAME' } });
  }
  return edit.finish('fold-padding');
}

function isFoldable(edit: GraphEdit, pad: Node, node: Node): boolean {
  const [source, paddings] = pad.inputs.map((name) => (name == null ? undefined : edit.tensor(name)));
  const weights = node.inputs[1] == null ? undefined : edit.tensor(node.inputs[1]);
  const output = edit.tensor(node.outputs[0]!);
  if (!['conv_2d', 'depthwise_conv_2d'].includes(node.op) || node.attrs['padding'] !== 'VALID') return false;
  if (!source || !paddings?.data || !weights || source.shape.length !== 4 || paddings.data.length !== 8) return false;
  if (!sameQuant(source.quant, edit.tensor(pad.outputs[0]!).quant)) return false;
  const [batchBefore, batchAfter, top, , left, , channelBefore, channelAfter] = paddings.data;
  if (batchBefore || batchAfter || channelBefore || channelAfter) return false;
  const [stride, dilation] = [pairOf(node.attrs['stride']), pairOf(node.attrs['dilation'])];
  return [top, left].every((before, i) => {
    const [size, filter, count] = [source.shape[i + 1]!, weights.shape[i + 1]!, output.shape[i + 1]!];
    const reach = (filter - 1) * dilation[i]! + 1;
    // SAME gives ceil(size / stride) outputs and puts the odd pixel behind. Zeros that no window reaches do not count.
    const total = Math.max((count - 1) * stride[i]! + reach - size, 0);
    return count === Math.ceil(size / stride[i]!) && before === Math.floor(total / 2);
  });
}

const pairOf = (value: unknown): readonly number[] => (Array.isArray(value) ? (value as readonly number[]) : [1, 1]);
