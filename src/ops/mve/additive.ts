/** add and sub for Helium: proof and call of thimble_add_s8_mve.h. */
import type { FixedPointScale } from '../../core/fixed-point.js';
import { elementCount, perTensorQuant, sameShape } from '../../core/tensor.js';
import { activationRangeQuantized } from '../activation.js';
import type { BinaryAttrs, BinaryInputs, BinaryNode } from '../binary.js';
import type { KernelVariant } from '../op.js';
import { mveCores } from './matrix.js';

interface Scales {
  readonly a: FixedPointScale;
  readonly b: FixedPointScale;
  readonly output: FixedPointScale;
}

export const additiveMve = (
  sign: 1 | -1,
  scalesOf: (node: BinaryNode) => Scales,
): KernelVariant<BinaryAttrs, BinaryInputs> => ({
  name: 'mve',
  cores: mveCores,
  implement(node) {
    const [a, b] = node.inputs;
    const output = node.outputs[0]!;
    if ([a, b, output].some(({ dtype, shape }) => dtype !== 'int8' || !sameShape(shape, output.shape))) return [];
    const scales = scalesOf(node);
    // The larger operand's scale is 1/2 of the common one, so that all shifts go to the right and no sum passes 2^29.
    if (a.data || b.data || [scales.a, scales.b, scales.output].some(({ shift }) => shift > 0)) return [];
    const count = elementCount(output.shape);
    const { zeroPoint } = perTensorQuant(output);
    const [min, max] = activationRangeQuantized(node.attrs.activation, output);
    const operand = (name: string, zero: number, { multiplier, shift }: FixedPointScale): string =>
      `${name}, /* zero_point, multiplier, shift */ ${zero}, ${multiplier}, ${shift}`;
    return [
      {
        variant: 'mve',
        instructions: Math.round((count / 4) * 23 + 30),
        codeBytes: 240,
        weightBytes: 0,
        scratchBytes: 0,
        overwrites: [0, 1],
        emitC: ({ inputs, outputs }) => ({
          kernels: ['thimble_base.h', 'thimble_mve.h', 'thimble_add_s8_mve.h'],
          qualifier: 'THIMBLE_MVE_FUNCTION',
          constants: [],
          call: `thimble_add_s8_mve(
    ${operand(inputs[0]!, perTensorQuant(a).zeroPoint, scales.a)},
    ${operand(inputs[1]!, perTensorQuant(b).zeroPoint, scales.b)}, /* sign */ ${sign},
    /* multiplier, shift, clamps below zero */ ${scales.output.multiplier}, ${scales.output.shift}, ${min >= zeroPoint ? 1 : 0},
    ${outputs[0]}, /* elements */ ${count}, /* zero_point, activation_min, activation_max */ ${zeroPoint}, ${min}, ${max});`,
        }),
      },
    ];
  },
});
