/** Layers with all that kernels get wrong: tails, odd channels, strides, dilation, uneven padding, extreme zero points. */
import fc from 'fast-check';
import type { Layer } from '../unit/ops/weighted-layer.js';

const size = fc.integer({ min: 1, max: 8 });
const few = fc.integer({ min: 1, max: 3 });
const taps = fc.constantFrom(1, 1, 2, 3, 3, 5);
const channels = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(8, 12, 16, 17, 20));

const layer = fc
  .record({
    op: fc.constantFrom('conv_2d', 'conv_2d', 'depthwise_conv_2d', 'depthwise_conv_2d', 'fully_connected'),
    height: size,
    width: size,
    channels,
    outputs: channels,
    filter: fc.tuple(taps, taps),
    stride: fc.constantFrom([1, 1], [1, 1], [2, 2], [1, 2], [3, 1], [2, 3]),
    dilation: fc.constantFrom([1, 1], [1, 1], [1, 1], [2, 2], [1, 3]),
    padding: fc.constantFrom('SAME', 'SAME', 'VALID'),
    activation: fc.constantFrom('none', 'relu', 'relu6', 'relu_n1_to_1'),
    inputZeroPoint: fc.constantFrom(-128, 0, 127, -3),
    outputZeroPoint: fc.constantFrom(-128, -128, 0, 127, 5),
    outputScale: fc.constantFrom(0.02, 0.02, 0.5, 0.0004), // the last one shifts to the left
    bias: fc.constantFrom(9000, 9000, false as const, 2_000_000),
    perTensor: fc.boolean(),
    fill: fc.constantFrom(undefined, undefined, undefined, 127, -127),
    plain: few,
  })
  .map(({ height, width, channels, outputs, filter, padding, plain, ...one }): Layer => {
    const { op, bias, perTensor, inputZeroPoint, outputZeroPoint, outputScale, activation, fill } = one;
    const shared = { op: op as Layer['op'], bias, perTensor, inputZeroPoint, outputZeroPoint, outputScale };
    const filled = fill === undefined ? {} : { fill };
    if (op === 'fully_connected') {
      const depth = height * width * channels;
      return {
        ...shared,
        ...filled,
        input: [1, depth],
        weights: [outputs, depth],
        attrs: { activation, keepNumDims: false },
      };
    }
    const depthwise = op === 'depthwise_conv_2d';
    const multiplier = depthwise && plain === 3 ? 2 : 1;
    // Most depthwise layers have channels by fours, most pointwise ones no stride: those are what fast kernels take.
    const depth = depthwise && plain > 1 ? 4 * Math.ceil(channels / 4) : channels;
    const stride = plain === 1 ? [1, 1] : one.stride;
    const dilation = plain === 2 ? [1, 1] : one.dilation;
    const window = plain === 1 && !depthwise ? [1, 1] : depthwise && plain === 2 ? [3, 3] : filter;
    const reach = window.map((count, axis) => (count - 1) * dilation[axis]! + 1);
    return {
      ...shared,
      ...filled,
      input: [1, Math.max(height, reach[0]!), Math.max(width, reach[1]!), depth], // VALID windows must fit
      weights: depthwise ? [1, ...window, depth * multiplier] : [outputs, ...window, depth],
      attrs: { stride, dilation, padding, activation, ...(depthwise && { depthMultiplier: multiplier }) },
    };
  });

/** The same ones every time. */
export const randomLayers = (count: number): readonly Layer[] => fc.sample(layer, { numRuns: count, seed: 23 });

/** Some of them one pixel wide, as one-dimensional networks have them. */
export const columnLayers = (count: number): readonly Layer[] =>
  randomLayers(4 * count)
    .filter(({ op }) => op !== 'fully_connected')
    .slice(0, count)
    .map((layer, i): Layer => {
      const [first, height, , last] = layer.weights;
      const long = 5 + i + 2 * height!;
      return { ...layer, input: [1, long, 1, layer.input[3]!], weights: [first!, Math.max(height!, 2), 1, last!] };
    });

type Encoded = Pick<Layer, 'zeros' | 'levels' | 'ofFour'>;

const encodings: readonly Encoded[] = [
  { zeros: 0.1 },
  { zeros: 0.5 },
  { zeros: 0.85 },
  { zeros: 0.99 },
  { levels: 2 },
  { levels: 16 },
  { levels: 15, zeros: 0.5 },
];
/** Each way of packing is the shortest for some. */
export const packings: readonly Encoded[] = [
  { zeros: 0.4 },
  { zeros: 0.9 },
  { zeros: 0.99 },
  { ofFour: 1 },
  { ofFour: 2 },
  { levels: 2 },
  { levels: 5 },
  { levels: 30 },
];

/** Convolutions and dense layers whose weights are pruned or clustered; some with gaps wider than a byte of words. */
export const encodedLayers = (count: number, kinds: readonly Encoded[] = encodings): readonly Layer[] => {
  const wide: Layer = { op: 'conv_2d', input: [1, 3, 7, 40], weights: [6, 3, 3, 40] };
  const flat: Layer = { op: 'fully_connected', input: [1, 700], weights: [5, 700], bias: 100 };
  const plain = randomLayers(3 * count).filter(({ op }) => op !== 'depthwise_conv_2d');
  return [wide, flat, flat, ...plain]
    .slice(0, count)
    .map((layer, i) => ({ ...layer, ...kinds[(i + 3) % kinds.length] }));
};
