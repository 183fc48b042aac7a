/** unpack: cuts a tensor into as many as one of its axes is long, each without that axis. */
import { ThimbleError } from '../../core/errors.js';
import { shapeText, type Tensor } from '../../core/tensor.js';
import { axisIn } from '../axis.js';
import { MOST_PARTS, splittingOp } from '../parts.js';
import { versionOf } from '../tflite-options.js';

export interface UnpackAttrs {
  readonly axis: number; // negative counts from the end
  readonly count: number; // of the outputs, as TFLite writes it too
}

export const unpack = splittingOp<UnpackAttrs, readonly [input: Tensor]>({
  name: 'unpack',
  inputCount: [1, 1],

  inferShape([{ name, shape }], { axis, count }) {
    const at = axisIn(axis, shape.length);
    if (at === undefined || count !== shape[at] || count > MOST_PARTS)
      throw new ThimbleError(
        'E_SHAPE',
        `unpack of "${name}" ${shapeText(shape)} into ${count} on axis ${axis}: the axis must be as long, and at most ${MOST_PARTS}`,
        'Check the branches of the model that begin here.',
      );
    return new Array<readonly number[]>(count).fill(shape.toSpliced(at, 1));
  },

  axisOf: ([{ shape }], { axis }) => axisIn(axis, shape.length)!,

  tflite: {
    builtin: 88,
    options: 64,
    version: (node) => versionOf(node, 2),
    read: (options) => ({ count: options.int32(0), axis: options.int32(1) }),
    write: ({ count, axis }) => [
      { id: 0, type: 'int32', value: count },
      { id: 1, type: 'int32', value: axis },
    ],
  },
});
