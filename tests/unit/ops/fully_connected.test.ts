import { describe, expect, it } from 'vitest';
import { fullyConnected } from '../../../src/ops/fully_connected/fully_connected.js';
import { holdsOn, refusesOn } from './weighted-contract.js';
import { type Layer, layerNode } from './weighted-layer.js';

const layer = (input: readonly number[], weights: readonly number[], more: Partial<Layer> = {}): Layer => ({
  op: 'fully_connected',
  input,
  weights,
  ...more,
});

describe('fully_connected', () => {
  holdsOn({
    'one by one': layer([2, 1], [1, 1], { bias: 30, outputScale: 0.002 }),
    '1 output': layer([3, 17], [1, 17]),
    '2 outputs of 3 inputs, no bias': layer([1, 3], [2, 3], { bias: false, outputScale: 0.005 }),
    '7 outputs, one weight scale': layer([1, 33], [7, 33], { perTensor: true }),
    '7 outputs, a scale each': layer([1, 33], [7, 33]),
    '3 rows': layer([3, 17], [5, 17], { perTensor: true }),
    'an image, flattened': layer([1, 3, 4, 2], [5, 24]),
    'rank 1': layer([9], [4, 9]),
    'leading dimensions kept': layer([2, 3, 9], [4, 9], { attrs: { keepNumDims: true } }),
    'zero_points −128 and 127': layer([1, 16], [6, 16], {
      inputZeroPoint: -128,
      outputZeroPoint: 127,
      attrs: { activation: 'relu_n1_to_1' },
    }),
    'zero_points 127 and −128, relu6': layer([1, 16], [6, 16], {
      inputZeroPoint: 127,
      outputZeroPoint: -128,
      attrs: { activation: 'relu6' },
    }),
    'zero_points 0, relu': layer([1, 16], [6, 16], {
      inputZeroPoint: 0,
      outputZeroPoint: 0,
      attrs: { activation: 'relu' },
    }),
    'saturating both ways': layer([2, 16], [6, 16], { outputScale: 0.0005, bias: 0 }),
    'shifts to the left': layer([1, 2], [9, 2], { outputScale: 4e-6, bias: 3 }),
    'weights of −128': layer([2, 16], [6, 16], { fill: -128, outputScale: 0.1 }),
  });
  refusesOn(layer([2, 12], [5, 12]));

  it('keeps leading dimensions only where told to', () => {
    const { inputs, attrs } = layerNode(layer([2, 3, 9], [4, 9]));
    expect(fullyConnected.inferShape(inputs, attrs)).toEqual([[6, 4]]);
    expect(fullyConnected.inferShape(inputs, { ...attrs, keepNumDims: true })).toEqual([[2, 3, 4]]);
  });
  it('takes the product of two scales in float32, as TFLite does with one weight scale', () => {
    const node = layerNode(layer([1, 4], [6, 4], { perTensor: true }));
    const { values } = fullyConnected
      .emitC(node, { symbol: 'm', inputs: ['x'], outputs: ['y'], scratch: '' })
      .constants.find(({ name }) => name === 'm_multiplier')!;
    const [input, weights, output] = [node.inputs[0], node.inputs[1], node.outputs[0]!].map((t) => t.quant!.scale[0]!);
    const inFloat = Math.fround(input! * weights!) / output!;
    const inDouble = (input! * weights!) / output!;
    const q31 = (scale: number) => Math.round(scale * 2 ** (31 - Math.ceil(Math.log2(scale))));
    expect(q31(inFloat)).not.toBe(q31(inDouble));
    expect(Array.from(values)).toEqual(new Array(6).fill(q31(inFloat)));
  });
  it('names the operator version that each use needs in a .tflite', () => {
    const versionOf = (more: Partial<Layer>) => {
      const node = layerNode(layer([2, 12], [5, 12], more));
      return fullyConnected.tflite.version(node);
    };
    expect(versionOf({ perTensor: true })).toBe(4);
    expect(versionOf({})).toBe(12);
    expect(versionOf({ perTensor: true, bias: false })).toBe(6);
    expect(versionOf({ perTensor: true, attrs: { keepNumDims: true } })).toBe(5);
  });
});
