/**
 * average_pool_2d: the mean of each window, padding not counted. int8 sums the raw bytes and rounds the quotient half
 * away from zero, so input and output must have equal quantization.
 */
import { roundHalfAway } from '../../core/fixed-point.js';
import { poolOp } from '../pool.js';

export const averagePool2d = poolOp({
  name: 'average_pool_2d',
  builtin: 1,
  start: 0,
  take: (sum, value) => sum + value,
  float32: (sum, count) => sum / count,
  int8: (sum, count) => roundHalfAway(sum / count),
  header: 'thimble_average_pool_2d_s8.h',
  kernel: 'thimble_average_pool_2d_s8',
  int16: { header: 'thimble_average_pool_2d_s16.h', kernel: 'thimble_average_pool_2d_s16' },
  mve: { header: 'thimble_average_pool_2d_s8_mve.h', kernel: 'thimble_average_pool_2d_s8_mve' },
});
