/** The activation of a transpose_conv becomes a node of its own: TFLite Micro leaves a fused one out. */
import type { Graph } from '../core/graph.js';
import { GraphEdit } from './graph-edit.js';
import type { PassResult } from './pass.js';

export function partActivations(graph: Graph): PassResult {
  const edit = new GraphEdit(graph);
  for (const node of edit.nodes()) {
    const { activation } = node.attrs;
    const [output] = node.outputs;
    if (node.op !== 'transpose_conv' || (activation !== 'relu' && activation !== 'relu6') || output === undefined)
      continue;
    const tensor = edit.tensor(output);
    if (tensor.dtype !== 'float32') continue;
    const raw = edit.constant(`${output}_raw`, { shape: tensor.shape, dtype: 'float32' });
    const parted = { ...node, outputs: [raw], attrs: { ...node.attrs, activation: 'none' } };
    edit.note(`the ${activation} of transpose_conv "${node.name}" becomes a node of its own`);
    edit.replaceByTwo(node, parted, {
      name: `${node.name}_${activation}`,
      op: activation,
      inputs: [raw],
      outputs: [output],
      attrs: {},
    });
  }
  return edit.finish('part-activations');
}
