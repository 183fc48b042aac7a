/** The model's inputs and outputs as its header shows them. */
import { ThimbleError } from '../../core/errors.js';
import { type Graph, isConstant, tensorOf } from '../../core/graph.js';
import { byteCount, type Dtype, elementCount, isPerTensor, type TensorSpec } from '../../core/tensor.js';
import type { MemoryPlan } from '../../plan/plan-memory.js';

export const cTypeOf: Readonly<Partial<Record<Dtype, string>>> = {
  int8: 'int8_t',
  int16: 'int16_t',
  int32: 'int32_t',
  float32: 'float',
};

/** How quantize_input and dequantize_output treat a tensor. */
export type Conversion =
  | { readonly kind: 'quantized'; readonly scale: number; readonly zeroPoint: number; readonly range: [number, number] }
  | { readonly kind: 'float' }
  | { readonly kind: 'none' }; // plain integers: indices, counts

export interface InterfaceTensor {
  readonly tensor: TensorSpec;
  readonly direction: 'input' | 'output';
  readonly suffix: string; // '' for index 0, '_1', '_2' …
  readonly macro: string; // KWS_INPUT, KWS_INPUT_1 …
  readonly type: string; // of an element, in C
  readonly offset: number; // in the arena
  readonly count: number;
  readonly bytes: number;
  readonly conversion: Conversion;
}

/** @throws ThimbleError E_UNSUPPORTED_MODEL for a type that C cannot hold or an output that is a constant */
export function interfaceTensors(
  graph: Graph,
  plan: MemoryPlan,
  name: string,
  direction: 'input' | 'output',
): readonly InterfaceTensor[] {
  return graph[direction === 'input' ? 'inputs' : 'outputs'].map((tensorName, index) => {
    const tensor = tensorOf(graph, tensorName);
    const [type, offset] = [cTypeOf[tensor.dtype], plan.offsets.get(tensorName)];
    if (type === undefined || isConstant(tensor) || offset === undefined)
      throw new ThimbleError(
        'E_UNSUPPORTED_MODEL',
        `${direction} "${tensorName}" is ${isConstant(tensor) ? 'a constant' : tensor.dtype}, which the C model cannot hand over`,
        'Export the model with int8 or float32 inputs and outputs.',
      );
    const suffix = index === 0 ? '' : `_${index}`;
    return {
      tensor,
      direction,
      suffix,
      macro: `${name}_${direction}${suffix}`.toUpperCase(),
      type,
      offset,
      count: elementCount(tensor.shape),
      bytes: byteCount(tensor),
      conversion: conversionOf(tensor),
    };
  });
}

function conversionOf({ dtype, quant }: TensorSpec): Conversion {
  if (dtype === 'float32') return { kind: 'float' };
  const bits = { int8: 8, int16: 16, int32: 0, int64: 0 }[dtype];
  if (bits === 0 || !isPerTensor(quant)) return { kind: 'none' };
  return {
    kind: 'quantized',
    scale: quant.scale[0]!,
    zeroPoint: quant.zeroPoint[0]!,
    range: [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1],
  };
}
