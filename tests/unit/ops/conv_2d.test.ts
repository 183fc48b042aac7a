import { describe, expect, it } from 'vitest';
import { conv2d } from '../../../src/ops/conv_2d/conv_2d.js';
import { holdsOn, refusesOn } from './weighted-contract.js';
import { type Layer, layerNode } from './weighted-layer.js';

const layer = (input: readonly number[], weights: readonly number[], more: Partial<Layer> = {}): Layer => ({
  op: 'conv_2d',
  input: [1, ...input],
  weights,
  ...more,
});

describe('conv_2d', () => {
  holdsOn({
    'one channel in, one out': layer([5, 4, 1], [1, 3, 3, 1]),
    'a tail of 1 channel': layer([4, 4, 3], [5, 1, 1, 3]),
    'a tail of 2 channels, no bias': layer([4, 3, 2], [2, 2, 3, 2], { bias: false }),
    'a tail of 3 channels, one weight scale': layer([3, 5, 4], [7, 3, 3, 4], { perTensor: true }),
    'an odd number of pixels': layer([3, 3, 5], [8, 3, 3, 5]),
    'uneven SAME with stride 2': layer([6, 9, 3], [5, 3, 3, 3], { attrs: { stride: [2, 2] } }),
    'SAME with strides 3 and 1, filter 10 x 4': layer([13, 7, 1], [4, 10, 4, 1], { attrs: { stride: [3, 1] } }),
    'a filter larger than the input': layer([2, 3, 2], [3, 5, 5, 2]),
    'VALID with stride 2': layer([7, 8, 3], [4, 3, 2, 3], { attrs: { padding: 'VALID', stride: [2, 2] } }),
    'dilation 2 SAME': layer([7, 8, 3], [5, 3, 3, 3], { attrs: { dilation: [2, 2] } }),
    'dilation 3 x 1 VALID': layer([9, 5, 2], [3, 3, 2, 2], { attrs: { padding: 'VALID', dilation: [3, 1] } }),
    'dilation beyond the input': layer([3, 3, 2], [4, 3, 3, 2], { attrs: { dilation: [4, 4] } }),
    '2 groups': layer([5, 5, 4], [6, 3, 3, 2]),
    '3 groups of one filter, stride 2': layer([5, 6, 3], [3, 3, 3, 1], { attrs: { stride: [2, 2] } }),
    'zero_points −128 and 127, relu': layer([4, 4, 3], [5, 3, 3, 3], {
      inputZeroPoint: -128,
      outputZeroPoint: 127,
      attrs: { activation: 'relu_n1_to_1' },
    }),
    'zero_points 127 and −128, relu6': layer([4, 4, 3], [5, 3, 3, 3], {
      inputZeroPoint: 127,
      outputZeroPoint: -128,
      attrs: { activation: 'relu6' },
    }),
    'zero_points 0, relu': layer([4, 4, 3], [5, 3, 3, 3], {
      inputZeroPoint: 0,
      outputZeroPoint: 0,
      attrs: { activation: 'relu' },
    }),
    'saturating both ways': layer([4, 4, 3], [5, 3, 3, 3], { outputScale: 0.0005, bias: 0 }),
    'shifts to the left': layer([3, 3, 2], [5, 1, 1, 2], { outputScale: 4e-6, bias: 3 }),
    'weights of −128': layer([4, 4, 3], [5, 3, 3, 3], { fill: -128, outputScale: 0.3 }),
    'shifts far to the right': layer([4, 4, 8], [5, 3, 3, 8], { outputScale: 7 }),
  });
  refusesOn(layer([4, 4, 3], [5, 3, 3, 3]));

  it('saturates to both ends where it should', () => {
    const [y] = conv2d.runInt8(layerNode(layer([4, 4, 3], [5, 3, 3, 3], { outputScale: 0.0005, bias: 0 })));
    expect(y!.includes(-128) && y!.includes(127)).toBe(true);
  });
  it('counts its work, padding and groups included', () => {
    const { macs, weightBytes } = conv2d.cost(layerNode(layer([5, 5, 4], [6, 3, 3, 2])));
    expect({ macs, weightBytes }).toEqual({ macs: 25 * 6 * 3 * 3 * 2, weightBytes: 6 * 18 + 6 * 9 });
  });
  it('refuses several samples at once, strides of 0 and what a damaged file may ask for', () => {
    const { inputs, attrs } = layerNode(layer([4, 4, 3], [5, 3, 3, 3]));
    const [x, ...others] = inputs;
    const eShape = expect.objectContaining({ code: 'E_SHAPE' });
    expect(() => conv2d.inferShape([{ ...x, shape: [2, 4, 4, 3] }, ...others], attrs)).toThrow(eShape);
    expect(() => conv2d.inferShape(inputs, { ...attrs, stride: [0, 1] })).toThrow(eShape);
    expect(() => conv2d.inferShape(inputs, { ...attrs, dilation: [2 ** 30, 2 ** 30] })).toThrow(eShape);
    expect(() => conv2d.inferShape([{ ...x, shape: [1, 4, 4, 4] }, ...others], attrs)).toThrow(eShape);
  });
});
