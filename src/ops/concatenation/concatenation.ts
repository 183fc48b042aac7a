/** concatenation along any axis. int8 copies bytes, so all tensors must have equal quantization. */
import { ThimbleError } from '../../core/errors.js';
import { dataOf, elementCount, type Shape, shapeText, type Tensor } from '../../core/tensor.js';
import { constantBytes, int8Faults, unequalQuantFaults } from '../int8-operands.js';
import type { OpDef, OpNode } from '../op.js';
import { refuseActivation, versionOf } from '../tflite-options.js';

export interface ConcatenationAttrs {
  readonly axis: number; // negative counts from the end
}
type Inputs = readonly [Tensor, ...Tensor[]];

export const concatenation: OpDef<ConcatenationAttrs, Inputs> = {
  name: 'concatenation',
  inputCount: [1, 1024],
  quantization: { kind: 'same' },

  inferShape(inputs, { axis }) {
    const [first] = inputs;
    const at = axis < 0 ? axis + first.shape.length : axis;
    const fits = inputs.every(
      ({ shape }) =>
        shape.length === first.shape.length && shape.every((size, i) => i === at || size === first.shape[i]),
    );
    if (!fits || !Number.isInteger(at) || at < 0 || at >= first.shape.length)
      throw new ThimbleError(
        'E_SHAPE',
        `concatenation on axis ${axis} of ${inputs.map(({ shape }) => shapeText(shape)).join(', ')}: ` +
          'shapes must be equal on every other axis',
        'Check the branches of the model that meet here.',
      );
    return [first.shape.map((size, i) => (i === at ? inputs.reduce((sum, { shape }) => sum + shape[i]!, 0) : size))];
  },

  checkQuant({ inputs, outputs: [output] }) {
    const faults = int8Faults(...inputs, output!);
    return faults.length > 0 ? faults : unequalQuantFaults('concatenation', output!, inputs);
  },

  runFloat32: (node) => [concatenate(node, new Float32Array(outputCount(node)))],
  runInt8: (node) => [concatenate(node, new Int8Array(outputCount(node)))],
  cost: ({ inputs }) => ({ macs: 0, weightBytes: constantBytes(inputs), scratchBytes: 0 }),

  emitC(node, { symbol, inputs: inputsC, outputs: [outputC] }) {
    const { outer, runs, outputRun } = runsOf(node);
    let offset = 0;
    const calls = node.inputs.map(({ data }, i) => {
      const source = `${data ? `${symbol}_input_${i}` : inputsC[i]}, /* in flash */ ${data ? 1 : 0}`;
      const target = `${outputC} + ${offset}, /* bytes a run: in, out */ ${runs[i]}, ${outputRun}, /* runs */ ${outer}`;
      offset += runs[i]!;
      return `thimble_concatenation_s8(${source}, ${target});`;
    });
    return {
      kernels: ['thimble_base.h', 'thimble_operand_s8.h', 'thimble_concatenation_s8.h'],
      constants: node.inputs.flatMap(({ data }, i) =>
        data ? [{ name: `${symbol}_input_${i}`, type: 'int8_t' as const, values: data }] : [],
      ),
      call: calls.join('\n'),
    };
  },

  tflite: {
    builtin: 2,
    options: 10,
    version: (node) => versionOf(node, 2),
    read(options) {
      refuseActivation(options, 1, 'concatenation');
      return { axis: options.int32(0) };
    },
    write: ({ axis }) => [{ id: 0, type: 'int32', value: axis }],
  },
};

type ConcatenationNode = OpNode<ConcatenationAttrs, Inputs>;

const outputCount = ({ inputs, attrs }: ConcatenationNode): number =>
  elementCount(concatenation.inferShape(inputs, attrs)[0]!);

/** The output is `outer` runs, each made of one contiguous run of every input. */
function runsOf({ inputs, attrs }: ConcatenationNode): { outer: number; runs: number[]; outputRun: number } {
  const rank = inputs[0].shape.length;
  const axis = attrs.axis < 0 ? attrs.axis + rank : attrs.axis;
  const countFrom = (shape: Shape): number => elementCount(shape.slice(axis));
  const runs = inputs.map(({ shape }) => countFrom(shape));
  return { outer: elementCount(inputs[0].shape.slice(0, axis)), runs, outputRun: runs.reduce((a, b) => a + b, 0) };
}

function concatenate<Result extends Float32Array | Int8Array>(node: ConcatenationNode, result: Result): Result {
  const { outer, runs } = runsOf(node);
  let at = 0;
  for (let run = 0; run < outer; run++)
    node.inputs.forEach((input, i) => {
      const size = runs[i]!;
      result.set(dataOf(input).subarray(run * size, (run + 1) * size), at);
      at += size;
    });
  return result;
}
