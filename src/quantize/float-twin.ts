/**
 * An int8 model as the float32 model that its integers stand for, and the plan that leads back: what is needed to run any
 * quantized model with fake quantization, whoever quantized it.
 */
import type { Engine } from '../core/engine.js';
import { ThimbleError } from '../core/errors.js';
import { type Graph, hasState, isConstant, tensorOf } from '../core/graph.js';
import { elementCount, perTensorQuant, type Tensor, type TypedArray } from '../core/tensor.js';
import { fakeQuant, runFakeQuant } from './fake-quant.js';
import type { QuantizationPlan, TensorPlan } from './plan.js';

export interface FloatTwin {
  readonly graph: Graph;
  readonly plan: QuantizationPlan; // of the activations; constants are on their grid already
}

/**
 * @param int8 a quantized graph; tensors without quantization (shapes, axes) stay as they are
 * @throws ThimbleError E_UNSUPPORTED_MODEL for a model with state
 */
export function floatTwin(int8: Graph): FloatTwin {
  if (hasState(int8))
    throw new ThimbleError(
      'E_UNSUPPORTED_MODEL',
      `"${int8.name}" keeps state between inferences, which fake quantization does not follow`,
      'Use verify, which compares the integers themselves.',
    );
  const tensors: Record<string, TensorPlan> = {};
  for (const { name, dtype, quant, data } of int8.tensors.values())
    if (quant && !data && (dtype === 'int8' || dtype === 'int16'))
      tensors[name] = {
        dtype,
        scale: [...quant.scale],
        zeroPoint: [...quant.zeroPoint],
        axis: quant.axis,
        why: 'as in the model',
      };
  return {
    graph: { ...int8, tensors: new Map([...int8.tensors].map(([name, tensor]) => [name, dequantized(tensor)])) },
    plan: {
      kind: 'quantization-plan',
      version: 1,
      recipe: 'as in the model',
      sampleCount: 1,
      tensors,
      requantize: [],
      results: [],
    },
  };
}

/** A tensor in real numbers: real = scale · (q − zero_point), by channel where there are several. */
export function dequantized(tensor: Tensor): Tensor {
  const { name, shape, dtype, quant } = tensor;
  if (!quant || dtype === 'float32') return tensor;
  if (!isConstant(tensor)) return { name, shape, dtype: 'float32' };
  return { name, shape, dtype: 'float32', data: realsOf(tensor.data!, shape, quant) };
}

function realsOf(values: TypedArray, shape: readonly number[], quant: NonNullable<Tensor['quant']>): Float32Array {
  const { scale, zeroPoint, axis } = quant;
  const inner = axis === null ? values.length : elementCount(shape.slice(axis + 1));
  return Float32Array.from(values, (q, i) => {
    const channel = axis === null ? 0 : Math.floor(i / inner) % scale.length;
    return scale[channel]! * (q - (zeroPoint[channel] ?? 0));
  });
}

/**
 * An int8 model with fake quantization as an Engine: int8 in, int8 out, real numbers between, moved to the grid after
 * every operator. It differs from the reference by what integer arithmetic (fixed-point multipliers, look-up tables) adds.
 */
export function fakeQuantEngine(int8: Graph): Engine {
  const { graph, plan } = floatTwin(int8);
  const network = fakeQuant(graph, plan);
  const inputs = int8.inputs.map((name) => tensorOf(int8, name));
  const outputs = int8.outputs.map((name) => tensorOf(int8, name));
  return {
    name: 'fake-quant',
    origin: 'host',
    run: async (values) => {
      const reals = inputs.map((input, i) => asReals(values[i]!, input));
      const results = runFakeQuant(network, reals);
      return outputs.map((output) => asIntegers(results.get(output.name)!, output));
    },
    close: async () => {},
  };
}

const asReals = (values: TypedArray, { dtype, quant, shape }: Tensor): TypedArray =>
  quant && dtype !== 'float32' ? realsOf(values, shape, quant) : values;

/** The values lie on the grid, so that the division is exact but for a rounding. */
function asIntegers(values: TypedArray, tensor: Tensor): TypedArray {
  if (tensor.dtype === 'float32' || !tensor.quant) return values;
  const { scale, zeroPoint } = perTensorQuant(tensor);
  const integers = Array.from(values, (x) => Math.round(x / scale) + zeroPoint);
  return tensor.dtype === 'int16' ? Int16Array.from(integers) : Int8Array.from(integers);
}
