/** add and sub for cores with the DSP extension: proof and call of thimble_add_s8_dsp.h. */
import { type FixedPointScale, multiplyByQuantizedMultiplier } from '../../core/fixed-point.js';
import { elementCount, perTensorQuant, sameShape } from '../../core/tensor.js';
import { activationRangeQuantized } from '../activation.js';
import type { BinaryAttrs, BinaryInputs, BinaryNode } from '../binary.js';
import type { CNames, EmittedC, KernelVariant } from '../op.js';
import { dspCores } from './cores.js';

const TABLE_BYTES = 2 * 256 * 4;
const K = 2;
const LARGEST_SHIFT = 22; // as in dspScaling

interface Scales {
  readonly a: FixedPointScale;
  readonly b: FixedPointScale;
  readonly output: FixedPointScale;
}

export const additiveDsp = (
  sign: 1 | -1,
  leftShift: number,
  scalesOf: (node: BinaryNode) => Scales,
): KernelVariant<BinaryAttrs, BinaryInputs> => ({
  name: 'dsp',
  cores: dspCores,
  implement(node) {
    const [a, b] = node.inputs;
    const output = node.outputs[0]!;
    if ([a, b, output].some(({ dtype, shape }) => dtype !== 'int8' || !sameShape(shape, output.shape))) return [];
    if (a.data || b.data) return [];
    const scales = scalesOf(node);
    const exponent = -scales.output.shift; // e
    if (exponent < 1 || exponent + K - 1 > LARGEST_SHIFT) return [];
    const reach = (['a', 'b'] as const).map((side, i) => {
      const { zeroPoint } = perTensorQuant(node.inputs[i]!);
      const ends = [-128, 127].map((q) => multiplyByQuantizedMultiplier((q - zeroPoint) * leftShift, scales[side]));
      return Math.max(...ends.map(Math.abs)); // rescaling is monotonous
    });
    if ((reach[0]! + reach[1]!) * 2 ** K >= 2 ** 31) return [];
    const count = elementCount(output.shape);
    const [min] = activationRangeQuantized(node.attrs.activation, output);
    return [
      {
        variant: 'dsp',
        instructions: count * (min >= perTensorQuant(output).zeroPoint ? 11.5 : 13.5) + 6500,
        codeBytes: 420,
        weightBytes: 0,
        scratchBytes: TABLE_BYTES,
        overwrites: [0, 1],
        emitC: (names) => emit(node, sign, scales, count, names),
      },
    ];
  },
});

function emit(node: BinaryNode, sign: 1 | -1, scales: Scales, count: number, names: CNames): EmittedC {
  const output = node.outputs[0]!;
  const { zeroPoint } = perTensorQuant(output);
  const [min, max] = activationRangeQuantized(node.attrs.activation, output);
  const sum = K - scales.output.shift; // S = e + k
  const operand = (i: 0 | 1, { multiplier, shift }: FixedPointScale): string =>
    `${names.inputs[i]}, /* zero_point, multiplier, shift */ ${perTensorQuant(node.inputs[i]).zeroPoint}, ${multiplier}, ${shift}`;
  return {
    kernels: ['thimble_base.h', 'thimble_fixed_point.h', 'thimble_dsp.h', 'thimble_add_s8_dsp.h'],
    qualifier: 'THIMBLE_DSP_FUNCTION',
    constants: [],
    call: `thimble_add_s8_dsp(
    ${operand(0, scales.a)},
    ${operand(1, scales.b)}, /* sign */ ${sign},
    /* multiplier, base, shift, clamps below zero */ ${scales.output.multiplier}, ${2 ** (sum - 2) + zeroPoint * 2 ** (sum - 1)}, ${sum - 1}, ${min >= zeroPoint ? 1 : 0},
    ${names.outputs[0]}, /* elements */ ${count}, /* activation_min, activation_max */ ${min}, ${max}, ${names.scratch});`,
  };
}
