/** conv_2d, depthwise_conv_2d and fully_connected with 16-bit activations: every way of summing and rescaling. */
import { describe, expect, it } from 'vitest';
import { opNamed } from '../../../src/ops/index.js';
import { holdsOn } from './weighted-contract.js';
import { type Layer, layerNode } from './weighted-layer.js';

const ops: readonly Layer['op'][] = ['conv_2d', 'depthwise_conv_2d', 'fully_connected'];
/** A layer of each op with 27 taps: int32 holds its sums. */
const small = (op: Layer['op'], more: Partial<Layer> = {}): Layer => ({
  op,
  wide: 'int64',
  ...{
    conv_2d: { input: [1, 5, 4, 3], weights: [5, 3, 3, 3] },
    depthwise_conv_2d: { input: [1, 7, 9, 3], weights: [1, 9, 3, 6], attrs: { depthMultiplier: 2 } },
    fully_connected: { input: [3, 27], weights: [5, 27], attrs: {} },
  }[op],
  ...more,
});
/** More than 516 weights of 127 leave int32. */
const deep = (op: Layer['op'], more: Partial<Layer> = {}): Layer => ({
  op,
  wide: 'int64',
  ...{
    conv_2d: { input: [1, 3, 3, 70], weights: [3, 3, 3, 70] },
    depthwise_conv_2d: { input: [1, 25, 25, 2], weights: [1, 23, 23, 2], attrs: { depthMultiplier: 1 } },
    fully_connected: { input: [2, 600], weights: [3, 600], attrs: {} },
  }[op],
  ...more,
});
const withAttrs = (layer: Layer, attrs: object): Layer => ({ ...layer, attrs: { ...layer.attrs, ...attrs } });
const finest = 0.0000021; // an effective scale just below 2^7, since input · weight is below 0.00015 … 0.00025

describe.each(ops)('%s in 16x8', (op) => {
  holdsOn({
    'far shifts': small(op),
    'no bias': small(op, { bias: false }),
    'one weight scale, relu6': withAttrs(small(op, { perTensor: true, outputScale: 0.001 }), { activation: 'relu6' }),
    relu_n1_to_1: withAttrs(small(op, { outputScale: 0.001 }), { activation: 'relu_n1_to_1' }),
    'shifts on both sides of 17': small(op, { outputScale: 0.0006, bias: 9_000_000 }),
    'multipliers above 1, saturating both ways': small(op, { outputScale: 0.00002 }),
    'multipliers of nearly 2^7': small(op, { outputScale: finest, fill: 3, bias: 100 }),
    'shifts far to the right': small(op, { outputScale: 70, fill: -127 }),
    'weights of −128 into int64': deep(op, { fill: -128, outputScale: 3 }),
    'int64 without a bias': deep(op, { fill: 127, outputScale: 3, bias: false }),
    'a bias beyond int32': small(op, { bias: 2 ** 36, outputScale: 300 }),
    'a bias that takes sums just beyond int32': small(op, { fill: 127, bias: 2 ** 31 - 1, outputScale: 20 }),
    ...(op !== 'depthwise_conv_2d' && {
      'a bias of int32: rounded twice': small(op, { wide: 'int32' }),
      'a bias of int32, shifts to the left': small(op, { wide: 'int32', outputScale: 0.00005, bias: 90 }),
    }),
  });

  const faultsOf = (layer: Layer) => opNamed(op).checkQuant(layerNode(layer)).join('; ');
  it('refuses what TFLite has no kernel for', () => {
    const node = layerNode(small(op));
    const [x, weights, bias] = node.inputs;
    const faults = (inputs: typeof node.inputs, outputs = node.outputs) =>
      opNamed(op)
        .checkQuant({ ...node, inputs, outputs })
        .join('; ');
    const off = { scale: [0.05], zeroPoint: [1], axis: null };
    expect(faults([{ ...x, quant: off }, weights, bias])).toMatch(/zero_point must be 0/);
    expect(faults([{ ...x, dtype: 'int8' }, weights, bias])).toMatch(/"x" must be int16/);
    expect(faults(node.inputs, [{ ...node.outputs[0]!, dtype: 'int8' }])).toMatch(/"y" must be int16/);
    expect(faults([x, { ...weights, dtype: 'int16' }, bias])).toMatch(/must be constant int8/);
    expect(faults([x, weights, { ...bias!, dtype: 'float32' }])).toMatch(/must be constant int64/);
    if (op === 'depthwise_conv_2d') expect(faultsOf(small(op, { wide: 'int32' }))).toMatch(/must be constant int64/);
  });
  it('refuses what leaves its arithmetic', () => {
    expect(faultsOf(small(op, { outputScale: finest / 3 }))).toMatch(/between 0 and 2\^7/);
    expect(faultsOf(small(op, { bias: 2 ** 49, outputScale: 9e9 }))).toMatch(/leaves 16x8/);
    expect(faultsOf(small(op, { bias: 2 ** 40 }))).toMatch(/leaves 16x8/);
    if (op !== 'depthwise_conv_2d') expect(faultsOf(deep(op, { wide: 'int32', fill: 127 }))).toMatch(/overflow int32/);
  });
  it('counts its constants as they are emitted', () => {
    for (const layer of [
      small(op),
      small(op, { bias: false }),
      deep(op, { fill: 127 }),
      small(op, { wide: 'int32' }),
    ]) {
      const node = layerNode(layer);
      const { constants } = opNamed(op).emitC(node, { symbol: 's', inputs: ['x'], outputs: ['y'], scratch: '' });
      const bytes: Record<string, number> = { int8_t: 1, int16_t: 2, int32_t: 4, int64_t: 8 };
      const emitted = constants.reduce((sum, { type, values }) => sum + bytes[type]! * values.length, 0);
      expect(opNamed(op).cost(node).weightBytes).toBe(emitted);
    }
  });
});
