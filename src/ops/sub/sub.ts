/** sub: a − b with broadcasting and a fused activation. TFLite derives its multipliers in float32, unlike add's. */
import { activationNumbered } from '../activation.js';
import { additiveArithmetic } from '../additive.js';
import { binaryOp } from '../binary.js';
import { activationField, anyScale, versionOf } from '../tflite-options.js';

export const sub = binaryOp({
  name: 'sub',
  ...additiveArithmetic(-1, Math.fround),
  tflite: {
    builtin: 41,
    options: 28,
    version: (node) => versionOf(node, 2, 3),
    read: (options) => ({ activation: activationNumbered(options.int8(0)) }),
    write: ({ activation }, node) => [activationField(0, activation), ...anyScale(node)],
  },
});
