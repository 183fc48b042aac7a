/** pad: a border of real zeros on any axis. `paddings` is a constant [rank, 2]: before and after. */
import { ThimbleError } from '../../core/errors.js';
import { dataOf, elementCount, integerArray, perTensorQuant, type Tensor } from '../../core/tensor.js';
import { activationFaults, isInt16, unequalQuantFaults } from '../int8-operands.js';
import type { OpDef } from '../op.js';
import { versionOf } from '../tflite-options.js';

type Attrs = Readonly<Record<string, never>>;
type Inputs = readonly [input: Tensor, paddings: Tensor];

const MAX_RANK = 4; // as in TFLite Micro; the C has as many loops

export const pad: OpDef<Attrs, Inputs> = {
  name: 'pad',
  inputCount: [2, 2],
  int16: true,
  quantization: { kind: 'same' },

  inferShape([input, paddings]) {
    const { data } = paddings;
    const rank = input.shape.length;
    if (!data || data.length !== 2 * rank || rank > MAX_RANK || !data.every((count) => count >= 0))
      throw new ThimbleError(
        'E_SHAPE',
        `pad: "${paddings.name}" must be a constant of two counts per axis, none negative, for the ${rank} axes of ` +
          `"${input.name}" (at most ${MAX_RANK})`,
        'Export the model with constant paddings.',
      );
    return [input.shape.map((size, axis) => data[2 * axis]! + size + data[2 * axis + 1]!)];
  },

  checkQuant({ inputs: [input], outputs: [output] }) {
    const faults = activationFaults(input, output!);
    return faults.length > 0 ? faults : unequalQuantFaults('pad', output!, [input]);
  },

  runFloat32: ({ inputs }) => [place(inputs, new Float32Array(elementCount(pad.inferShape(inputs, {})[0]!)))],

  runInt8({ inputs, outputs: [output] }) {
    const result = integerArray(output!, elementCount(pad.inferShape(inputs, {})[0]!));
    return [place(inputs, result.fill(perTensorQuant(output!).zeroPoint))];
  },

  cost: () => ({ macs: 0, weightBytes: 0, scratchBytes: 0 }),

  emitC(node, { inputs: [inputC], outputs: [outputC] }) {
    const {
      inputs,
      outputs: [output],
    } = node;
    const kernel = `thimble_pad_${isInt16(node) ? 's16' : 's8'}`;
    const axes = axesOf(inputs);
    const args = axes.map(({ size, before, after }) => `${size}, ${before}, ${after},`).join(' ');
    return {
      kernels: ['thimble_base.h', `${kernel}.h`],
      constants: [],
      call: `${kernel}(
    ${inputC}, /* size, before, after of each axis */ ${args}
    /* value */ ${perTensorQuant(output!).zeroPoint}, ${outputC});`,
    };
  },

  tflite: {
    builtin: 34,
    options: 22,
    version: (node) => versionOf(node, 2, 3),
    read: () => ({}),
    write: () => [],
  },
};

interface PaddedAxis {
  readonly size: number;
  readonly before: number;
  readonly after: number;
}

/** MAX_RANK axes, ones in front. */
function axesOf([input, paddings]: Inputs): PaddedAxis[] {
  const counts = dataOf(paddings);
  const axes = input.shape.map((size, i) => ({ size, before: counts[2 * i]!, after: counts[2 * i + 1]! }));
  while (axes.length < MAX_RANK) axes.unshift({ size: 1, before: 0, after: 0 });
  return axes;
}

/** Writes the input into the middle of `result`. */
function place<Result extends Float32Array | Int8Array | Int16Array>(inputs: Inputs, result: Result): Result {
  const values = dataOf(inputs[0]);
  const [n, h, w, c] = axesOf(inputs) as [PaddedAxis, PaddedAxis, PaddedAxis, PaddedAxis];
  const padded = (axis: PaddedAxis): number => axis.before + axis.size + axis.after;
  for (let row = 0; row < n.size * h.size * w.size; row++) {
    const [inN, inH, inW] = [Math.floor(row / (h.size * w.size)), Math.floor(row / w.size) % h.size, row % w.size];
    const pixel = ((n.before + inN) * padded(h) + h.before + inH) * padded(w) + w.before + inW;
    result.set(values.subarray(row * c.size, (row + 1) * c.size), pixel * padded(c) + c.before);
  }
  return result;
}
