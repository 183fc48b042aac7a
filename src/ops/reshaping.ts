/** What reshape, squeeze and expand_dims share: the same bytes under another shape, in place wherever that is possible. */
import { dataOf, elementCount, type Tensor } from '../core/tensor.js';
import { activationFaults, int8Faults, isInt16, unequalQuantFaults } from './int8-operands.js';
import type { OpDef, Operands } from './op.js';

type Inputs = readonly [input: Tensor, ...others: Operands];
type ReshapingOp<Attrs, I extends Inputs> = Pick<
  OpDef<Attrs, I>,
  'name' | 'inputCount' | 'int16' | 'inferShape' | 'tflite'
>;

/** The whole operator from its rule for shapes. */
export const reshapingOp = <Attrs, I extends Inputs>(op: ReshapingOp<Attrs, I>): OpDef<Attrs, I> => ({
  ...op,
  quantization: { kind: 'same' },

  checkQuant({ inputs: [input], outputs: [output] }) {
    const faults = (op.int16 ? activationFaults : int8Faults)(input, output!);
    return faults.length > 0 ? faults : unequalQuantFaults(op.name, output!, [input]);
  },

  runFloat32: ({ inputs: [input] }) => [Float32Array.from(dataOf(input))],
  runInt8: ({ inputs: [input] }) => [dataOf(input).slice()],
  cost: () => ({ macs: 0, weightBytes: 0, scratchBytes: 0 }),

  emitC: (node, { inputs: [inputC], outputs: [outputC] }) => {
    const type = isInt16(node) ? 's16' : 's8';
    return {
      kernels: ['thimble_base.h', `thimble_reshape_${type}.h`],
      constants: [],
      call: `thimble_reshape_${type}(${inputC}, /* elements */ ${elementCount(node.inputs[0].shape)}, ${outputC});`,
    };
  },

  overwrites: () => [0],
  isReshape: () => true,
});
