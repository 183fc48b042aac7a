/** max_pool_2d: the largest value of each window, padding left out. int8 compares bytes: quantization must be equal. */
import { poolOp } from '../pool.js';

export const maxPool2d = poolOp({
  name: 'max_pool_2d',
  builtin: 17,
  start: -Infinity, // never the result: every window holds at least one value
  take: (max, value) => Math.max(max, value),
  float32: (max) => max,
  int8: (max) => max,
  header: 'thimble_max_pool_2d_s8.h',
  kernel: 'thimble_max_pool_2d_s8',
  int16: { header: 'thimble_max_pool_2d_s16.h', kernel: 'thimble_max_pool_2d_s16' },
});
