/**
 * Small conv_2d, depthwise_conv_2d and fully_connected layers with seeded values, and the same arithmetic written a
 * second time for them: as definitions have it, in BigInt, with a bounds test per tap.
 */
import type { Graph } from '../../../src/core/graph.js';
import {
  arrayTypeOf,
  elementCount,
  type QuantParams,
  type Shape,
  type Tensor,
  type TensorSpec,
} from '../../../src/core/tensor.js';
import { type Activation, activationRangeQuantized } from '../../../src/ops/activation.js';
import { opNamed } from '../../../src/ops/index.js';
import type { OpNode } from '../../../src/ops/op.js';
import type { WeightedInputs } from '../../../src/ops/weighted-op.js';
import type { WindowAttrs } from '../../../src/ops/window.js';

export interface Layer {
  readonly op: 'conv_2d' | 'depthwise_conv_2d' | 'fully_connected';
  readonly input: Shape;
  readonly weights: Shape;
  readonly attrs?: object; // over stride [1, 1], padding SAME, activation none
  readonly perTensor?: boolean;
  readonly bias?: false | number; // its largest magnitude, or none
  readonly inputZeroPoint?: number;
  readonly outputZeroPoint?: number;
  readonly outputScale?: number; // small ones shift to the left
  readonly fill?: number; // all weights, instead of random ones
  readonly zeros?: number; // share of the weights that are 0
  readonly levels?: number; // how many values the weights have at most
  /** 16-bit activations, whose bias is int64, or int32 as some converters write it. Zero points are 0 then. */
  readonly wide?: 'int64' | 'int32' | undefined;
  readonly ofFour?: number; // how many of each four neighbours are not 0
}
export type LayerNode = OpNode<WindowAttrs & { activation: Activation }, WeightedInputs>;

/** mulberry32: the same values on every machine. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const quantOf = (scale: readonly number[], zeroPoint: number, axis: number | null): QuantParams => ({
  scale: scale.map(Math.fround),
  zeroPoint: scale.map(() => zeroPoint),
  axis,
});

/** A node whose input carries data, and whose output shape the op itself infers. */
export function layerNode(layer: Layer, seed = 1): LayerNode {
  const random = seededRandom(seed);
  const integers = (count: number, reach: number) =>
    Array.from({ length: count }, () => Math.floor(random() * 2 * reach) - reach);
  const axis = layer.op === 'depthwise_conv_2d' ? 3 : 0;
  const channels = layer.weights[axis]!;
  const weightScale = Array.from({ length: layer.perTensor ? 1 : channels }, () => 0.001 + random() / 500);
  const input: Tensor = {
    name: 'x',
    shape: layer.input,
    dtype: layer.wide ? 'int16' : 'int8',
    quant: quantOf([0.05], layer.wide ? 0 : (layer.inputZeroPoint ?? -3), null),
    data: layer.wide
      ? Int16Array.from(integers(elementCount(layer.input), 32768))
      : Int8Array.from(integers(elementCount(layer.input), 128)),
  };
  const values = Int8Array.from(integers(elementCount(layer.weights), 128)); // −128 included
  const palette = integers(layer.levels ?? 0, 128);
  if (layer.levels) for (const i of values.keys()) values[i] = palette[i % layer.levels]!;
  if (layer.zeros) for (const i of values.keys()) if (random() < layer.zeros) values[i] = 0;
  if (layer.ofFour) for (const i of values.keys()) if ((i + Math.floor(i / 4)) % 4 >= layer.ofFour) values[i] = 0;
  const weights: Tensor = {
    name: 'weights',
    shape: layer.weights,
    dtype: 'int8',
    quant: quantOf(weightScale, 0, layer.perTensor || channels === 1 ? null : axis),
    data: layer.fill === undefined ? values : values.fill(layer.fill),
  };
  const bias: Tensor | undefined =
    layer.bias === false
      ? undefined
      : {
          name: 'bias',
          shape: [channels],
          dtype: layer.wide ?? 'int32',
          quant: quantOf(
            weightScale.map((scale) => scale * 0.05),
            0,
            weightScale.length > 1 ? 0 : null,
          ),
          data: arrayTypeOf[layer.wide ?? 'int32'].from(integers(channels, layer.bias ?? 9000)),
        };
  const attrs = { stride: [1, 1], padding: 'SAME', activation: 'none', ...layer.attrs } as LayerNode['attrs'];
  const inputs: WeightedInputs = [input, weights, bias];
  const y: TensorSpec = {
    name: 'y',
    shape: opNamed(layer.op).inferShape(inputs, attrs)[0]!,
    dtype: input.dtype,
    quant: quantOf([layer.outputScale ?? 0.02], layer.wide ? 0 : (layer.outputZeroPoint ?? 5), null),
  };
  return { name: layer.op, inputs, outputs: [y], attrs };
}

/** The layer as a model of its own. */
export function graphOf(op: string, { name, inputs, outputs, attrs }: LayerNode): Graph {
  const [{ data: _, ...x }, ...constants] = inputs;
  const tensors = [x, ...constants, ...outputs].filter((tensor) => tensor !== undefined);
  return {
    name: op,
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
    nodes: [{ name, op, inputs: inputs.map((tensor) => tensor?.name ?? null), outputs: ['y'], attrs: { ...attrs } }],
    inputs: ['x'],
    outputs: ['y'],
  };
}

/** gemmlowp's definition of the requantize, with 64-bit products and truncating division. */
export function requantizeBigInt(sum: bigint, scale: number): bigint {
  if (scale === 0) return 0n;
  const exponent = Math.floor(Math.log2(scale)) + 1;
  let multiplier = BigInt(Math.round(scale * 2 ** (31 - exponent)));
  let shift = BigInt(exponent);
  if (multiplier === 2n ** 31n) [multiplier, shift] = [2n ** 30n, shift + 1n];
  if (shift < -31n) return 0n;
  const product = (shift > 0n ? sum << shift : sum) * multiplier;
  const high = (product + (product >= 0n ? 2n ** 30n : 1n - 2n ** 30n)) / 2n ** 31n; // BigInt division truncates
  if (shift >= 0n) return high;
  const half = 2n ** (-shift - 1n);
  return high >= 0n ? (high + half) >> -shift : -((-high + half) >> -shift);
}

/** TFLite's for sums of 64 bits: a multiplier of 15 bits, rounded once. */
export function requantize16x8BigInt(sum: bigint, scale: number): bigint {
  if (scale === 0) return 0n;
  let exponent = Math.floor(Math.log2(scale)) + 1;
  let multiplier = Math.round(scale * 2 ** (31 - exponent));
  if (multiplier === 2 ** 31) [multiplier, exponent] = [2 ** 30, exponent + 1];
  if (exponent < -31) return 0n;
  const reduced = BigInt(multiplier < 0x7fff0000 ? Math.floor((multiplier + 2 ** 15) / 2 ** 16) : 0x7fff);
  const shift = BigInt(15 - exponent);
  return (sum * reduced + (1n << (shift - 1n))) >> shift;
}

/** The outputs by definition, with the effective scales as each op must build them. */
export function defineInteger(op: Layer['op'], node: LayerNode): Int8Array | Int16Array {
  const [min, max] = activationRangeQuantized(node.attrs.activation, node.outputs[0]!);
  const zeroPoint = BigInt(node.outputs[0]!.quant!.zeroPoint[0]!);
  const channels = node.outputs[0]!.shape.at(-1)!;
  const sums = op === 'fully_connected' ? rowSums(node) : windowSums(op, node);
  const wide = node.inputs[0].dtype === 'int16';
  const requantize = wide && node.inputs[2]?.dtype !== 'int32' ? requantize16x8BigInt : requantizeBigInt;
  const outputs = sums.map((sum, i) => {
    const q = Number(requantize(sum, scaleOf(op, node, i % channels)) + zeroPoint);
    return Math.min(Math.max(q, min), max);
  });
  return wide ? Int16Array.from(outputs) : Int8Array.from(outputs);
}

function scaleOf(op: Layer['op'], { inputs: [input, weights], outputs }: LayerNode, channel: number): number {
  const scales = weights.quant!.scale;
  const product = input.quant!.scale[0]! * scales[scales.length === 1 ? 0 : channel]!;
  const single = op === 'fully_connected' && scales.length === 1; // there TFLite multiplies in float32
  return (single ? Math.fround(product) : product) / outputs[0]!.quant!.scale[0]!;
}

const tap = (x: Tensor, i: number, zeroPoint: number, w: Tensor, k: number): bigint =>
  BigInt((x.data![i]! - zeroPoint) * w.data![k]!);

function rowSums({ inputs: [x, w, b] }: LayerNode): bigint[] {
  const [units, depth] = [w.shape[0]!, w.shape[1]!];
  const zeroPoint = x.quant!.zeroPoint[0]!;
  return Array.from({ length: (x.data!.length / depth) * units }, (_, at) => {
    const [row, unit] = [Math.floor(at / units), at % units];
    let sum = BigInt(b?.data?.[unit] ?? 0);
    for (let i = 0; i < depth; i++) sum += tap(x, row * depth + i, zeroPoint, w, unit * depth + i);
    return sum;
  });
}

function windowSums(op: Layer['op'], { inputs: [x, w, b], outputs, attrs }: LayerNode): bigint[] {
  const [, height, width, inChannels] = x.shape as [number, number, number, number];
  const [, outHeight, outWidth, channels] = outputs[0]!.shape as [number, number, number, number];
  const [filterHeight, filterWidth] = [w.shape[1]!, w.shape[2]!];
  const [dilationY, dilationX] = attrs.dilation ?? [1, 1];
  const depth = op === 'conv_2d' ? w.shape[3]! : 1;
  const zeroPoint = x.quant!.zeroPoint[0]!;
  const before = (size: number, out: number, filter: number, stride: number, dilation: number) =>
    attrs.padding === 'VALID' ? 0 : Math.max((out - 1) * stride + (filter - 1) * dilation + 1 - size, 0) >> 1;
  const top = before(height, outHeight, filterHeight, attrs.stride[0], dilationY);
  const left = before(width, outWidth, filterWidth, attrs.stride[1], dilationX);
  const sums: bigint[] = [];
  for (let oy = 0; oy < outHeight; oy++)
    for (let ox = 0; ox < outWidth; ox++)
      for (let c = 0; c < channels; c++) {
        let sum = BigInt(b?.data?.[c] ?? 0);
        const first = Math.floor(c / (channels / (inChannels / depth))) * depth; // input channel of the group
        for (let fy = 0; fy < filterHeight; fy++)
          for (let fx = 0; fx < filterWidth; fx++) {
            const [iy, ix] = [
              oy * attrs.stride[0] - top + fy * dilationY,
              ox * attrs.stride[1] - left + fx * dilationX,
            ];
            if (iy < 0 || ix < 0 || iy >= height || ix >= width) continue;
            for (let d = 0; d < depth; d++) {
              const k =
                op === 'conv_2d'
                  ? ((c * filterHeight + fy) * filterWidth + fx) * depth + d
                  : (fy * filterWidth + fx) * channels + c;
              sum += tap(x, (iy * width + ix) * inChannels + first + d, zeroPoint, w, k);
            }
          }
        sums.push(sum);
      }
  return sums;
}
