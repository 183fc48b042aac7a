/** add: a + b with broadcasting and a fused activation. */
import { activationNumbered } from '../activation.js';
import { additiveArithmetic } from '../additive.js';
import { binaryOp } from '../binary.js';
import { activationField, anyScale, versionOf } from '../tflite-options.js';

export const add = binaryOp({
  name: 'add',
  ...additiveArithmetic(1, (x) => x),
  tflite: {
    builtin: 0,
    options: 11,
    version: (node) => versionOf(node, 2, 3),
    read: (options) => ({ activation: activationNumbered(options.int8(0)) }),
    write: ({ activation }, node) => [activationField(0, activation), ...anyScale(node)],
  },
});
