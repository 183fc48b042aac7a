/**
 * Decides every tensor's integer type, scale and zero_point, and says why. The plan is plain JSON: it can be saved,
 * compared and edited before applyPlan carries it out.
 */
import { z } from 'zod';
import { ThimbleError } from '../core/errors.js';
import { type Graph, tensorOf } from '../core/graph.js';
import { dataOf, type QuantParams, type Tensor } from '../core/tensor.js';
import { opNamed } from '../ops/index.js';
import { type ActivationPlan, planActivations, type Requantize } from './activations.js';
import type { CalibrationStats } from './calibrate.js';
import { checkQuantizable, prepared } from './quantizable.js';
import type { Recipe } from './recipe.js';
import { biasQuant, weightQuant } from './weights.js';
import { widthsOf } from './widths.js';

const quantSchema = {
  scale: z.array(z.number().positive()).min(1),
  zeroPoint: z.array(z.int()).min(1),
  axis: z.int().min(0).nullable(),
};
const widthSchema = { dtype: z.enum(['int8', 'int16']).default('int8') };
const planSchema = z.strictObject({
  kind: z.literal('quantization-plan'),
  version: z.literal(1),
  recipe: z.string(),
  sampleCount: z.int().positive(),
  tensors: z.record(
    z.string(),
    z.strictObject({ dtype: z.enum(['int8', 'int16', 'int32', 'int64']), ...quantSchema, why: z.string() }),
  ),
  /** Where a tensor needs other parameters for one reader: a quantize node goes between. */
  requantize: z.array(
    z.strictObject({ node: z.string(), input: z.int().min(0), ...widthSchema, ...quantSchema, why: z.string() }),
  ),
  /** Where a node computes a result in other parameters than those who read it: a quantize node goes behind. */
  results: z
    .array(
      z.strictObject({ node: z.string(), output: z.int().min(0), ...widthSchema, ...quantSchema, why: z.string() }),
    )
    .default([]),
});

export type QuantizationPlan = z.infer<typeof planSchema>;
export type TensorPlan = QuantizationPlan['tensors'][string];

/** @throws ThimbleError E_QUANT for JSON that is no plan */
export function parsePlan(json: unknown): QuantizationPlan {
  const result = planSchema.safeParse(json);
  if (result.success) return result.data;
  const faults = result.error.issues
    .slice(0, 5)
    .map(({ path, message }) => `$.${path.map(String).join('.')}: ${message}`);
  throw new ThimbleError('E_QUANT', `this is no quantization plan: ${faults.join('; ')}`, 'Make the plan again.');
}

/**
 * The plan for a float32 graph, from what calibration saw.
 * @throws ThimbleError E_UNSUPPORTED_OP and E_UNSUPPORTED_MODEL for what has no int8 form, E_NOT_FINITE for NaN or
 *   Infinity in weights, E_QUANT where the statistics are not of this graph
 */
export function planQuantization(graph: Graph, stats: CalibrationStats, recipe: Recipe): QuantizationPlan {
  checkQuantizable(graph);
  const own = prepared(graph);
  const widths = widthsOf(own, recipe);
  const { quantOf, whyOf, requantize, results } = planActivations(own, stats, recipe, widths);
  const tensors: Record<string, TensorPlan> = {};
  for (const [name, { quant, dtype }] of quantOf) tensors[name] = entry(dtype, quant, whyOf.get(name) ?? '');
  for (const node of own.nodes) {
    const rule = opNamed(node.op).quantization;
    if (rule?.kind !== 'weighted') continue;
    const [input, weights, bias] = node.inputs.map((name) => (name === null ? undefined : tensorOf(own, name)));
    const inputScale = inputScaleOf(quantOf, requantize, node.name, input!);
    const axis = axisOf(node.op, rule.axis, recipe);
    const width = widths.computed(node);
    const weight = weightQuant(weights!, axis, bias && dataOf(bias), inputScale, width);
    const manner = weight.axis === null ? 'one scale' : `one scale per channel of axis ${weight.axis}`;
    tensors[weights!.name] = entry('int8', weight, `weights of "${node.name}": symmetric, ${manner}`);
    if (bias)
      tensors[bias.name] = entry(
        width === 'int16' ? 'int64' : 'int32',
        biasQuant(weight.scale, inputScale),
        `bias of "${node.name}": input scale · weight scale`,
      );
  }
  return {
    kind: 'quantization-plan',
    version: 1,
    recipe: recipe.name,
    sampleCount: stats.sampleCount,
    tensors,
    requantize: requantize.map(({ quant, why, ...at }) => ({ ...at, ...copied(quant), why })),
    results: results.map(({ quant, why, ...at }) => ({ ...at, ...copied(quant), why })),
  };
}

function axisOf(op: string, axis: number, { weights }: Recipe): number | null {
  const granularity = op === 'fully_connected' ? weights.fullyConnected : weights.granularity;
  return granularity === 'per-channel' ? axis : null;
}

function inputScaleOf(
  quantOf: ActivationPlan['quantOf'],
  requantize: readonly Requantize[],
  node: string,
  input: Tensor,
): number {
  const changed = requantize.find((change) => change.node === node && change.input === 0);
  return (changed ?? quantOf.get(input.name)!).quant.scale[0]!;
}

const copied = ({ scale, zeroPoint, axis }: QuantParams) => ({ scale: [...scale], zeroPoint: [...zeroPoint], axis });

const entry = (dtype: TensorPlan['dtype'], quant: QuantParams, why: string): TensorPlan => ({
  dtype,
  ...copied(quant),
  why,
});
