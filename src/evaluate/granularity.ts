/** What a layer loses with one weight scale for all channels, and with one for each. */
import type { Graph } from '../core/graph.js';
import { tensorOf } from '../core/graph.js';
import { dataOf } from '../core/tensor.js';
import { opNamed } from '../ops/index.js';
import type { CalibrationStats, Sample } from '../quantize/calibrate.js';
import { onPlannedGrid } from '../quantize/fake-quant.js';
import { planQuantization } from '../quantize/plan.js';
import { prepared } from '../quantize/quantizable.js';
import type { Recipe } from '../quantize/recipe.js';
import { ErrorMeter } from './layer-error.js';
import { localErrors } from './local-error.js';

export interface GranularityLoss {
  readonly granularity: Recipe['weights']['granularity'];
  readonly scales: number; // how many
  readonly smallestScale: number;
  readonly largestScale: number;
  readonly weightsSqnrDb: number; // of all weights
  /** Of the channel that loses most; Infinity where none loses anything. */
  readonly worstChannel: { readonly channel: number; readonly sqnrDb: number };
  /** Of the layer's output, on the float network's own values at its input, about the mean of the error. */
  readonly outputSqnrDb: number;
}

/**
 * @param float the network before weights are rounded, equalized where the recipe says so
 * @param node a layer with weights
 */
export function granularityLosses(
  float: Graph,
  stats: CalibrationStats,
  recipe: Recipe,
  node: string,
  samples: readonly Sample[],
): readonly GranularityLoss[] {
  const own = prepared(float);
  const { op, inputs } = own.nodes.find(({ name }) => name === node)!;
  const rule = opNamed(op).quantization;
  if (rule?.kind !== 'weighted') throw new TypeError(`${op} has no weights`);
  const weights = tensorOf(own, inputs[1]!);
  return (['per-tensor', 'per-channel'] as const).map((granularity) => {
    const plan = planQuantization(float, stats, {
      ...recipe,
      weights: { ...recipe.weights, granularity, fullyConnected: granularity },
    });
    const { scale } = plan.tensors[weights.name]!;
    const snapped = dataOf(onPlannedGrid(weights, plan));
    const channels = channelErrors(weights.shape, rule.axis, dataOf(weights), snapped);
    const whole = new ErrorMeter();
    whole.add(dataOf(weights), snapped);
    const worst = channels.reduce((least, sqnr, channel) => (sqnr < channels[least]! ? channel : least), 0);
    return {
      granularity,
      scales: scale.length,
      smallestScale: Math.min(...scale),
      largestScale: Math.max(...scale),
      weightsSqnrDb: whole.result().sqnrDb,
      worstChannel: { channel: worst, sqnrDb: channels[worst]! },
      outputSqnrDb: localErrors(float, float, plan, samples).find((each) => each.node === node)!.sqnrDb,
    };
  });
}

/** SQNR of every channel; a channel of zeros loses nothing. */
function channelErrors(
  shape: readonly number[],
  axis: number,
  real: ArrayLike<number>,
  snapped: ArrayLike<number>,
): number[] {
  const channels = shape[axis]!;
  const inner = shape.slice(axis + 1).reduce((count, size) => count * size, 1);
  const [signal, noise] = [new Float64Array(channels), new Float64Array(channels)];
  for (let i = 0; i < real.length; i++) {
    const channel = Math.floor(i / inner) % channels;
    signal[channel]! += real[i]! ** 2;
    noise[channel]! += (snapped[i]! - real[i]!) ** 2;
  }
  return Array.from(signal, (power, c) =>
    noise[c] === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(power / noise[c]!),
  );
}
