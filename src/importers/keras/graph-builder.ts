/** Grows a Graph node by node; shapes come from the ops themselves. Lives only while one model is imported. */
import { ThimbleError } from '../../core/errors.js';
import { checkGraph, type Graph, type Node } from '../../core/graph.js';
import { elementCount, type Shape, shapeText, type Tensor, type TypedArray } from '../../core/tensor.js';
import { opNamed } from '../../ops/index.js';

const maxElements = 2 ** 28; // of an activation: a gigabyte in float32, far beyond any board

export class GraphBuilder {
  private readonly tensors = new Map<string, Tensor>();
  private readonly added: Node[] = [];

  input(name: string, shape: Shape): string {
    return this.add({ name: this.unique(name), shape, dtype: 'float32' });
  }

  constant(name: string, shape: Shape, data: TypedArray): string {
    return this.add({ name: this.unique(name), shape, dtype: data instanceof Int32Array ? 'int32' : 'float32', data });
  }

  /** @throws ThimbleError E_SHAPE */
  node(name: string, op: string, inputs: readonly string[], attrs: Readonly<Record<string, unknown>>): string {
    const [output] = this.nodes(name, op, inputs, attrs);
    if (output === undefined) throw new TypeError(`${op} has no output`);
    return output;
  }

  /** All outputs of a node, which is called after the first. @throws ThimbleError E_SHAPE */
  nodes(name: string, op: string, inputs: readonly string[], attrs: Readonly<Record<string, unknown>>): string[] {
    const shapes = opNamed(op).inferShape(
      inputs.map((input) => this.tensor(input)),
      attrs,
    );
    const outputs = shapes.map((shape) => this.add({ name: this.unique(name), shape, dtype: 'float32' }));
    this.added.push({ name: outputs[0] ?? name, op, inputs, outputs, attrs });
    return outputs;
  }

  /** Nothing is added where the shape is already the wanted one. */
  reshape(name: string, x: string, shape: Shape): string {
    const from = this.shapeOf(x);
    if (from.length === shape.length && from.every((size, i) => size === shape[i])) return x;
    if (elementCount(from) !== elementCount(shape))
      throw new ThimbleError(
        'E_SHAPE',
        `${shapeText(from)} cannot become ${shapeText(shape)}`,
        'Save the model again; its layers contradict each other.',
        { where: `at layer "${name}"` },
      );

    return this.node(`${name}/reshape`, 'reshape', [x], { newShape: shape });
  }

  shapeOf(name: string): Shape {
    return this.tensor(name).shape;
  }

  /** Gives a node and the tensor it writes another name, before anything else reads that tensor. */
  rename(from: string, wanted: string): string {
    const to = this.unique(wanted);
    const at = this.added.findLastIndex((node) => node.name === from);
    const node = this.added[at];
    if (!node) throw new TypeError(`no node "${from}"`);
    this.added[at] = { ...node, name: to, outputs: [to, ...node.outputs.slice(1)] };
    const tensor = this.tensor(from);
    this.tensors.delete(from);
    return this.add({ ...tensor, name: to });
  }

  /** @throws ThimbleError E_MODEL_FORMAT */
  build(name: string, inputs: readonly string[], outputs: readonly string[]): Graph {
    return checkGraph({ name, tensors: this.tensors, nodes: this.added, inputs, outputs });
  }

  private tensor(name: string): Tensor {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new TypeError(`no tensor "${name}"`);
    return tensor;
  }

  private add(tensor: Tensor): string {
    if (!tensor.data && !(elementCount(tensor.shape) <= maxElements))
      throw new ThimbleError(
        'E_SHAPE',
        `"${tensor.name}" ${shapeText(tensor.shape)} has more than ${maxElements} values`,
        'Build the model for a smaller input; boards have kilobytes.',
      );
    this.tensors.set(tensor.name, tensor);
    return tensor.name;
  }

  private unique(name: string): string {
    if (!this.tensors.has(name)) return name;
    let suffix = 1;
    while (this.tensors.has(`${name}_${suffix}`)) suffix++;
    return `${name}_${suffix}`;
  }
}
