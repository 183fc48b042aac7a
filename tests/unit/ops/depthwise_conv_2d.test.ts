import { describe, expect, it } from 'vitest';
import { depthwiseConv2d } from '../../../src/ops/depthwise_conv_2d/depthwise_conv_2d.js';
import { holdsOn, refusesOn } from './weighted-contract.js';
import { type Layer, layerNode } from './weighted-layer.js';

/** @param filter height, width, depth multiplier */
function layer(input: readonly number[], filter: readonly number[], more: Partial<Layer> = {}): Layer {
  const [height, width, depthMultiplier] = filter as [number, number, number];
  const weights = [1, height, width, input[2]! * depthMultiplier];
  return { op: 'depthwise_conv_2d', input: [1, ...input], weights, ...more, attrs: { depthMultiplier, ...more.attrs } };
}

describe('depthwise_conv_2d', () => {
  holdsOn({
    'one channel': layer([5, 4, 1], [3, 3, 1]),
    'a tail of 1 channel': layer([4, 4, 5], [3, 3, 1]),
    'a tail of 2 channels, no bias': layer([4, 3, 2], [2, 3, 1], { bias: false }),
    'a tail of 3 channels, one weight scale': layer([3, 5, 7], [3, 3, 1], { perTensor: true }),
    'depth multiplier 2': layer([4, 4, 3], [3, 3, 2]),
    'depth multiplier 8 on one channel': layer([9, 5, 1], [10, 4, 8], { attrs: { stride: [2, 2] } }),
    'uneven SAME with stride 2': layer([6, 9, 5], [3, 3, 1], { attrs: { stride: [2, 2] } }),
    'strides that differ': layer([7, 9, 4], [3, 2, 1], { attrs: { stride: [3, 1] } }),
    'a filter larger than the input': layer([2, 3, 4], [5, 5, 1]),
    'VALID with stride 2': layer([7, 8, 3], [3, 2, 1], { attrs: { padding: 'VALID', stride: [2, 2] } }),
    'dilation 2 SAME': layer([7, 8, 3], [3, 3, 1], { attrs: { dilation: [2, 2] } }),
    'dilation 1 x 3 VALID, depth multiplier 2': layer([5, 9, 2], [2, 3, 2], {
      attrs: { padding: 'VALID', dilation: [1, 3] },
    }),
    'zero_points −128 and 127': layer([4, 4, 3], [3, 3, 1], {
      inputZeroPoint: -128,
      outputZeroPoint: 127,
      attrs: { activation: 'relu_n1_to_1' },
    }),
    'zero_points 127 and −128, relu6': layer([4, 4, 3], [3, 3, 1], {
      inputZeroPoint: 127,
      outputZeroPoint: -128,
      attrs: { activation: 'relu6' },
    }),
    'zero_points 0, relu': layer([4, 4, 3], [3, 3, 1], {
      inputZeroPoint: 0,
      outputZeroPoint: 0,
      attrs: { activation: 'relu' },
    }),
    'saturating both ways': layer([4, 4, 3], [3, 3, 1], { outputScale: 0.0003, bias: 0 }),
    'shifts to the left': layer([3, 3, 2], [1, 1, 1], { outputScale: 4e-6, bias: 3 }),
    'weights of −128': layer([4, 4, 3], [3, 3, 1], { fill: -128, outputScale: 0.1 }),
  });
  refusesOn(layer([4, 4, 3], [3, 3, 1]));

  it('refuses a depth multiplier that contradicts the shapes', () => {
    const { inputs, attrs } = layerNode(layer([4, 4, 3], [3, 3, 2]));
    const contradicting = { ...attrs, depthMultiplier: 3 };
    expect(() => depthwiseConv2d.inferShape(inputs, contradicting)).toThrow(
      expect.objectContaining({ code: 'E_SHAPE' }),
    );
  });
  it('counts its work', () => {
    const node = layerNode(layer([5, 5, 4], [3, 3, 2]));
    expect(depthwiseConv2d.cost({ ...node, attrs: { ...node.attrs, depthMultiplier: 2 } })).toEqual({
      macs: 25 * 9 * 8,
      weightBytes: 72 + 8 * 9,
      scratchBytes: 0,
    });
  });
});
