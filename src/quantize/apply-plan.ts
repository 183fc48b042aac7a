/** Carries out a quantization plan: float32 graph → int8 graph. */
import { ThimbleError } from '../core/errors.js';
import { checkGraph, type Graph, type Node, tensorOf } from '../core/graph.js';
import { arrayTypeOf, elementCount, type QuantParams, type Tensor } from '../core/tensor.js';
import { opNamed } from '../ops/index.js';
import { operandsOf } from '../ops/op.js';
import { integersOf } from './fake-quant.js';
import type { QuantizationPlan, TensorPlan } from './plan.js';
import { checkQuantizable, freeName, prepared } from './quantizable.js';
import { quantizeInto } from './weights.js';

/**
 * Inputs and outputs become int8 in the float model's units: real = scale · (q − zero_point).
 * @throws ThimbleError E_QUANT where the plan is not of this graph, or where an int8 kernel could not honour it
 */
export function applyPlan(graph: Graph, plan: QuantizationPlan): Graph {
  checkQuantizable(graph);
  const own = prepared(graph);
  const tensors = new Map([...own.tensors].map(([name, tensor]) => [name, quantized(tensor, plan)]));
  const result = checkGraph(withResults(withRequantize({ ...own, tensors }, plan), plan));
  const faults = result.nodes.flatMap((node) => opNamed(node.op).checkQuant(operandsOf(result, node)));
  if (faults.length > 0)
    throw new ThimbleError('E_QUANT', `the plan cannot run in int8: ${faults.slice(0, 5).join('; ')}`, [
      'Calibrate with samples that look like real data.',
      'Check the model for layers that never give anything but 0.',
    ]);
  return result;
}

function quantized(tensor: Tensor, plan: QuantizationPlan): Tensor {
  if (tensor.dtype !== 'float32') return tensor; // shapes, paddings and axes
  const planned = Object.hasOwn(plan.tensors, tensor.name) ? plan.tensors[tensor.name] : undefined;
  if (!planned) throw misfit(`says nothing about "${tensor.name}"`);
  const quant = quantFor(tensor, planned);
  const { name, shape } = tensor;
  if (!tensor.data) return { name, shape, dtype: planned.dtype, quant };
  const count = elementCount(shape);
  const values = new arrayTypeOf[planned.dtype](count);
  const data = quantizeInto(values, tensor, quant, integersOf(planned, true));
  return { name, shape, dtype: planned.dtype, quant, data };
}

function quantFor({ name, shape }: Tensor, { scale, zeroPoint, axis }: TensorPlan): QuantParams {
  const count = axis === null ? 1 : shape[axis];
  if (scale.length !== count || zeroPoint.length !== count) throw misfit(`has other channels than "${name}"`);
  if (scale.some((value) => Math.fround(value) !== value || !(value > 0)))
    throw misfit(`gives "${name}" a scale that is no float32`);
  return { scale, zeroPoint, axis };
}

/** A quantize node in front of every reader that needs other parameters. */
function withRequantize(graph: Graph, plan: QuantizationPlan): Graph {
  const tensors = new Map(graph.tensors);
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const inputs = [...node.inputs];
    for (const { node: reader, input, dtype, scale, zeroPoint, axis } of plan.requantize) {
      if (reader !== node.name) continue;
      const source = inputs[input];
      if (typeof source !== 'string') throw misfit(`requantizes an input that "${node.name}" does not have`);
      const name = freeName(tensors, `${source}_requantized`);
      tensors.set(name, { ...tensorOf({ ...graph, tensors }, source), name, dtype, quant: { scale, zeroPoint, axis } });
      nodes.push({ name, op: 'quantize', inputs: [source], outputs: [name], attrs: {} });
      inputs[input] = name;
    }
    nodes.push({ ...node, inputs });
  }
  return { ...graph, tensors, nodes };
}

/** A quantize node behind every result that is computed in other parameters. Tensors keep their names for their readers. */
function withResults(graph: Graph, plan: QuantizationPlan): Graph {
  const tensors = new Map(graph.tensors);
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const outputs = [...node.outputs];
    const behind = plan.results.flatMap(({ node: writer, output, dtype, scale, zeroPoint, axis }): Node[] => {
      if (writer !== node.name) return [];
      const target = outputs[output];
      if (target === undefined) throw misfit(`changes a result that "${node.name}" does not have`);
      const name = freeName(tensors, `${target}_${dtype}`);
      tensors.set(name, { ...tensorOf(graph, target), name, dtype, quant: { scale, zeroPoint, axis } });
      outputs[output] = name;
      return [{ name: `${target}_narrowed`, op: 'quantize', inputs: [name], outputs: [target], attrs: {} }];
    });
    return [{ ...node, outputs }, ...behind];
  });
  return { ...graph, tensors, nodes };
}

const misfit = (what: string): ThimbleError =>
  new ThimbleError('E_QUANT', `the quantization plan does not fit this model: it ${what}`, 'Make the plan again.');
