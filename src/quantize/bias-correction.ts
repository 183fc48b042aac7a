/**
 * Bias correction: rounded weights shift the mean of what a layer computes, and the shifts add up from layer to layer.
 * The bias takes them back (Nagel et al. 2019, section 4.2). Weights, scales and the cost of the model stay as they are.
 *
 * A layer is linear before its activation, so that the mean of its sums over many inputs is its sum over the mean input:
 * one run of a mean image tells what a thousand images would.
 */
import type { Graph } from '../core/graph.js';
import type { Tensor } from '../core/tensor.js';
import { opNamed } from '../ops/index.js';
import type { Sample } from './calibrate.js';
import { type PairedLayer, refineLayers, type WalkOptions } from './paired-walk.js';
import type { QuantizationPlan } from './plan.js';

/**
 * analytic: the shift that this layer's own weights cause, on the float network's inputs.
 * empirical: all of the shift at this layer, that of earlier layers and of rounded activations included.
 */
export type BiasCorrection = 'analytic' | 'empirical';

/** @returns the float32 graph with corrected biases; the plan fits it as before */
export const correctBiases = (
  graph: Graph,
  plan: QuantizationPlan,
  samples: readonly Sample[],
  kind: BiasCorrection,
  options: Omit<WalkOptions, 'stage'> = {},
): Promise<Graph> =>
  refineLayers(graph, plan, samples, (layer) => new Map([[layer.bias.name, correctedBias(layer, kind)]]), {
    stage: 'correct biases',
    ...options,
  });

/** The bias that gives the quantized layer the float layer's mean, channel by channel. */
export function correctedBias(
  layer: PairedLayer,
  kind: BiasCorrection,
  weights = layer.quantizedWeights,
): Float32Array {
  const inQuantized = kind === 'analytic' ? layer.inFloat : layer.inQuantized;
  const wanted = meanSums(layer, layer.weights, meanOf(layer.inFloat));
  const given = meanSums(layer, weights, meanOf(inQuantized));
  return Float32Array.from(layer.bias.data!, (bias, c) => bias + wanted[c]! - given[c]!);
}

function meanOf(inputs: readonly Float32Array[]): Float32Array {
  const sum = new Float64Array(inputs[0]!.length);
  for (const input of inputs) for (let i = 0; i < sum.length; i++) sum[i]! += input[i]!;
  return Float32Array.from(sum, (value) => value / inputs.length);
}

/** Means by channel, over the whole output, of the sums before bias and activation. */
function meanSums({ node, input, bias }: PairedLayer, weights: Tensor, data: Float32Array): Float64Array {
  const op = opNamed(node.op);
  const inputs = [{ ...input, data }, weights, { ...bias, data: new Float32Array(bias.data!.length) }];
  const attrs = { ...node.attrs, activation: 'none' };
  const outputs = op
    .inferShape(inputs, attrs)
    .map((shape, i) => ({ name: node.outputs[i]!, shape, dtype: 'float32' as const }));
  const [sums] = op.runFloat32({ name: node.name, inputs, outputs, attrs });
  const channels = bias.data!.length;
  const means = new Float64Array(channels);
  for (let i = 0; i < sums!.length; i++) means[i % channels]! += sums![i]! / (sums!.length / channels);
  return means;
}
