/**
 * A quantized layer as a student would compute it by hand: how its ranges became scales and zero_points, what one
 * weight, one activation and one bias turned into, and the way to one output byte.
 */
import { ThimbleError } from '../core/errors.js';
import { clamp, roundHalfAway } from '../core/fixed-point.js';
import { type Graph, type Node, tensorOf } from '../core/graph.js';
import { quantizeValue } from '../core/real-to-int8.js';
import { dataOf, perTensorQuant, sameQuant, shapeText, type TypedArray } from '../core/tensor.js';
import { createInterpreter } from '../interpret/interpreter.js';
import { operandsOf } from '../ops/op.js';
import type { CalibrationStats, Sample } from '../quantize/calibrate.js';
import { chosenRange } from '../quantize/chosen-range.js';
import type { QuantizationPlan } from '../quantize/plan.js';
import { prepared } from '../quantize/quantizable.js';
import type { Recipe } from '../quantize/recipe.js';
import { asymmetricQuant, type Range, symmetricQuant16 } from '../quantize/scales.js';
import { hasIntegerMath, type IntegerMath, integerMath } from './integer-math.js';

/** A tensor's way from what was seen of it to scale and zero_point. */
export interface RangeMath {
  readonly tensor: string;
  readonly seen: Range | null; // smallest and largest value while calibrating
  /** The range that the calibrator made of it; null where scale and zero_point come from elsewhere: see `why`. */
  readonly chosen: Range | null;
  readonly dtype: 'int8' | 'int16';
  readonly scale: number; // int8: (max − min) / 255; int16: the larger of |min| and |max| / 32767
  readonly zeroPointExact: number | null; // int8: −128 − min / scale, before rounding
  readonly zeroPoint: number;
  readonly reaches: Range; // what the smallest and the largest integer stand for
  readonly why: string;
}

/** A real number and the integer that stands for it. */
export interface ValueMath {
  readonly index: number; // element of its tensor
  readonly real: number;
  readonly scale: number;
  readonly zeroPoint: number;
  readonly exact: number; // real / scale + zero_point, before rounding
  readonly integer: number;
  readonly back: number; // scale · (integer − zero_point)
}

export interface WeightMath extends ValueMath {
  readonly largest: number; // max |w| of all that share the scale, which is that / 127
  readonly shares: 'the tensor' | 'the channel';
}

export interface ActivationMath extends ValueMath {
  readonly computed: number; // the integer that the quantized network has there: layers before may have lost something
}

export interface LayerMath {
  readonly node: string;
  readonly op: string;
  readonly input: RangeMath;
  readonly output: RangeMath;
  /** Of a layer with weights; null for others, whose arithmetic is another. */
  readonly example: ExampleMath | null;
}

export interface ExampleMath extends IntegerMath {
  readonly at: readonly number[]; // place in the output, without the batch
  readonly index: number; // the same as element of the output
  readonly inputShape: readonly number[];
  readonly weight: WeightMath; // of the tap that counts most
  readonly activation: ActivationMath | null; // of that tap; null where all of them are padding
  readonly biasValue: ValueMath | null;
  readonly real: number; // what the output stands for
  readonly float: number; // what the float network computes there
  readonly reference: number; // what the reference interpreter gives: the same
}

export interface LayerMathInput {
  readonly float: Graph; // what the integers stand for
  readonly int8: Graph;
  readonly plan: QuantizationPlan;
  readonly stats: CalibrationStats;
  readonly recipe: Recipe;
  readonly sample: Sample;
}

/**
 * @param layer a node's name
 * @param at place in the output, without the batch; where it is left out, one that no clamp has cut off
 * @throws ThimbleError E_USAGE for a layer or a place that there is not
 */
export function layerMath(input: LayerMathInput, layer: string, at?: readonly number[]): LayerMath {
  const own = prepared(input.float);
  const node = nodeNamed(own, layer);
  const int8Node = input.int8.nodes.find(({ name }) => name === node.name)!;
  const ranges = {
    node: node.name,
    op: node.op,
    input: rangeMath(input, own, node.inputs[0]!, int8Node.inputs[0]!),
    output: rangeMath(input, own, node.outputs[0]!, int8Node.outputs[0]!),
  };
  if (!hasIntegerMath(node.op)) return { ...ranges, example: null };
  return { ...ranges, example: exampleMath(input, own, node, int8Node, at) };
}

/** @throws ThimbleError E_USAGE with the names that come nearest */
export function nodeNamed(graph: Graph, name: string): Node {
  const node = graph.nodes.find((each) => each.name === name);
  if (node) return node;
  const known = graph.nodes.map((each) => each.name);
  const near = known.filter((each) => each.toLowerCase().includes(name.toLowerCase()));
  throw new ThimbleError('E_USAGE', `the model has no layer "${name}"`, [
    near.length > 0 ? `Did you mean ${near.slice(0, 4).join(', ')}?` : `Its layers: ${known.join(', ')}`,
  ]);
}

/** @param tensor in the float graph; @param quantized what the layer reads or writes in its stead */
function rangeMath(
  { int8, plan, stats, recipe }: LayerMathInput,
  graph: Graph,
  tensor: string,
  quantized: string,
): RangeMath {
  const entry = plan.tensors[tensor]!;
  const { quant, dtype } = tensorOf(int8, quantized);
  const { scale, zeroPoint } = perTensorQuant({ name: quantized, shape: [], dtype, quant: quant! });
  const seen = Object.hasOwn(stats.tensors, tensor) ? stats.tensors[tensor]! : null;
  const varies = seen !== null && tensorOf(graph, tensor).data === undefined;
  const range = varies ? (dtype === 'int16' ? seen : chosenRange(seen, recipe.activations, tensor)) : null;
  const made = range && (dtype === 'int16' ? symmetricQuant16(range) : asymmetricQuant(range));
  const chosen = made && sameQuant(made, quant) ? { min: Math.min(range!.min, 0), max: Math.max(range!.max, 0) } : null;
  const [least, most] = limitsOf(dtype);
  return {
    tensor,
    seen: seen && { min: seen.min, max: seen.max },
    chosen,
    dtype: dtype as RangeMath['dtype'],
    scale,
    zeroPointExact: chosen && dtype === 'int8' ? -128 - chosen.min / scale : null,
    zeroPoint,
    reaches: { min: scale * (least - zeroPoint), max: scale * (most - zeroPoint) },
    why: entry.dtype === dtype ? entry.why : `taken from ${entry.dtype} to ${dtype} in front of the layer or behind it`,
  };
}

const limitsOf = (dtype: string): readonly [number, number] => (dtype === 'int16' ? [-32768, 32767] : [-128, 127]);

function exampleMath(
  { int8, sample }: LayerMathInput,
  own: Graph,
  node: Node,
  int8Node: Node,
  at: readonly number[] | undefined,
): ExampleMath {
  const reals = createInterpreter(own).runAll(sample);
  const bytes = createInterpreter(int8).runAll(int8.inputs.map((name, i) => quantizedInput(int8, name, sample[i]!)));
  const operands = operandsOf(int8, int8Node, bytes);
  const outputs = bytes.get(int8Node.outputs[0]!)!;
  const { shape } = tensorOf(own, node.outputs[0]!);
  const index = at ? indexOf(shape, at, node.name) : tellingOutput(node.op, operands, outputs);
  const math = integerMath(node.op, operands, index);
  const reference = outputs[index]!;
  if (math.requantize.integer !== reference)
    throw new TypeError(`"${node.name}" by hand gives ${math.requantize.integer}, the reference ${reference}`);
  const tap = [...math.taps].sort((a, b) => Math.abs(b.product) - Math.abs(a.product) || a.weightIndex - b.weightIndex);
  const read = tap.find(({ inputIndex }) => inputIndex !== null);
  const [input, weights, bias] = int8Node.inputs.map((name) => (name === null ? undefined : tensorOf(int8, name)));
  const [floatInput, floatWeights, floatBias] = node.inputs;
  const { scale, zeroPoint } = perTensorQuant(tensorOf(int8, int8Node.outputs[0]!));
  const weightScale = scaleOf(weights!, math.channel);
  const floatOf = (name: string): TypedArray => dataOf(tensorOf(own, name));
  const chosenTap = read ?? tap[0]!;
  return {
    ...math,
    at: placeOf(shape, index),
    index,
    inputShape: tensorOf(own, node.inputs[0]!).shape.slice(1),
    weight: {
      ...valueMath(
        chosenTap.weightIndex,
        floatOf(floatWeights!)[chosenTap.weightIndex]!,
        weightScale,
        0,
        chosenTap.weight,
      ),
      largest: weightScale * 127,
      shares: weights!.quant!.scale.length > 1 ? 'the channel' : 'the tensor',
    },
    activation: read ? activationMath(read.inputIndex!, read.input) : null,
    biasValue:
      bias && floatBias != null
        ? valueMath(math.channel, floatOf(floatBias)[math.channel]!, scaleOf(bias, math.channel), 0, math.bias)
        : null,
    real: scale * (reference - zeroPoint),
    float: reals.get(node.outputs[0]!)![index]!,
    reference,
  };

  function activationMath(element: number, computed: number): ActivationMath {
    const quant = perTensorQuant(input!);
    const real = reals.get(floatInput!)![element]!;
    const [min, max] = limitsOf(input!.dtype);
    const nearest = clamp(roundHalfAway(real / quant.scale) + quant.zeroPoint, min, max);
    return { ...valueMath(element, real, quant.scale, quant.zeroPoint, nearest), computed };
  }
}

const scaleOf = ({ quant }: { readonly quant?: { readonly scale: readonly number[] } }, channel: number): number =>
  quant!.scale[quant!.scale.length === 1 ? 0 : channel]!;

const valueMath = (index: number, real: number, scale: number, zeroPoint: number, integer: number): ValueMath => ({
  index,
  real,
  scale,
  zeroPoint,
  exact: real / scale + zeroPoint,
  integer,
  back: scale * (integer - zeroPoint),
});

/** The largest output that no clamp has cut off, away from the padding where there is one. */
function tellingOutput(op: string, operands: ReturnType<typeof operandsOf>, outputs: TypedArray): number {
  const order = Array.from(outputs.keys()).sort((a, b) => outputs[b]! - outputs[a]! || a - b);
  let first: number | undefined;
  for (const i of order) {
    const { taps, requantize } = integerMath(op, operands, i);
    if (requantize.unclamped <= requantize.min || requantize.unclamped >= requantize.max) continue;
    if (taps.every(({ inputIndex }) => inputIndex !== null)) return i;
    first ??= i;
  }
  return first ?? 0;
}

export function placeOf(shape: readonly number[], index: number): number[] {
  const place: number[] = [];
  let rest = index;
  for (const size of shape.slice(1).toReversed()) {
    place.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return place;
}

function indexOf(shape: readonly number[], at: readonly number[], node: string): number {
  const sizes = shape.slice(1);
  const fits = at.length === sizes.length && at.every((i, k) => Number.isInteger(i) && i >= 0 && i < sizes[k]!);
  if (!fits)
    throw new ThimbleError('E_USAGE', `the output of "${node}" is ${shapeText(sizes)}: there is no ${shapeText(at)}`, [
      `Count from 0: --at ${sizes.map(() => 0).join(',')} is the first value.`,
    ]);
  return at.reduce((index, i, k) => index * sizes[k]! + i, 0);
}

function quantizedInput(int8: Graph, name: string, values: TypedArray): TypedArray {
  const { scale, zeroPoint } = perTensorQuant(tensorOf(int8, name));
  return Int8Array.from(values, (x) => quantizeValue(x, scale, zeroPoint));
}
