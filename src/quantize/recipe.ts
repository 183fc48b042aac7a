/** A quantization recipe: what a person chooses. Plain JSON; every key has a default, an unknown key is refused. */
import { z } from 'zod';
import { ThimbleError } from '../core/errors.js';
import { qatSchema, trainingSchema } from './training-choices.js';

const recipeSchema = z.strictObject({
  name: z.string().min(1).default('a8w8'),
  weights: z
    .strictObject({
      /** conv_2d and depthwise_conv_2d: one scale per output channel, or one for all. */
      granularity: z.enum(['per-channel', 'per-tensor']).default('per-channel'),
      /** fully_connected apart: old runtimes know one scale only. */
      fullyConnected: z.enum(['per-channel', 'per-tensor']).default('per-tensor'),
      /** Give the channels that run from one layer into the next ranges alike, before anything is quantized. */
      equalize: z.boolean().optional(),
      /** nearest, or adaptive: what changes the layer's results least over the calibration samples. */
      rounding: z.enum(['nearest', 'adaptive']).optional(),
    })
    .prefault({}),
  /** Whether biases take back the mean shift of rounded weights; see docs/quantization.md. Adaptive rounding always does. */
  biasCorrection: z.enum(['none', 'analytic', 'empirical']).optional(),
  activations: z
    .strictObject({
      /** How a range is made from what was seen; see docs/quantization.md. min-max keeps every value that was met. */
      calibrator: z.enum(['min-max', 'moving-average', 'percentile', 'entropy', 'mse']).default('min-max'),
      // Without defaults here, so that a recipe that does not use them is the same JSON as ever, and hashes the same.
      /** percentile: per cent of the values inside each end of the range; 99.99 where it is left open. */
      percentile: z.number().gt(50).max(100).optional(),
      /** 16: TFLite's 16x8, where operators have kernels for it; 8 where it is left open. */
      bits: z.union([z.literal(8), z.literal(16)]).optional(),
      /** bits 16: the layers whose results are so wide; all that can be where it is left open. */
      layers: z.array(z.string().min(1)).min(1).optional(),
      /** moving-average: share of the old range that each sample leaves; 0.99 where it is left open. */
      momentum: z.number().min(0).lt(1).optional(),
    })
    .prefault({}),
  /** How the float model is trained after pruning. */
  training: trainingSchema.optional(),
  /** Quantization-aware training: train with fake quantization before the integers are fixed. */
  qat: qatSchema.optional(),
});

export type Recipe = z.infer<typeof recipeSchema>;

/** 8-bit activations and weights, per-channel convolutions, min/max calibration: TFLite's own choice. */
export const a8w8: Recipe = recipeSchema.parse({});

/** 16-bit activations wherever operators have kernels for them; weights stay int8. */
export const a16w8: Recipe = recipeSchema.parse({ name: 'a16w8', activations: { bits: 16 } });

/** Recipes by name: a8w8 with one choice changed each. */
export const namedRecipes: ReadonlyMap<string, Recipe> = new Map(
  [
    a8w8,
    ...(['moving-average', 'percentile', 'entropy', 'mse'] as const).map((calibrator) =>
      recipeSchema.parse({ name: `a8w8-${calibrator}`, activations: { calibrator } }),
    ),
    recipeSchema.parse({ name: 'a8w8-equalized', weights: { equalize: true } }),
    recipeSchema.parse({ name: 'a8w8-bias', biasCorrection: 'empirical' }),
    recipeSchema.parse({ name: 'a8w8-adaround', weights: { rounding: 'adaptive' } }),
    a16w8,
    recipeSchema.parse({ name: 'qat-a8w8', qat: {} }),
  ].map((recipe) => [recipe.name, recipe]),
);

/**
 * Checks a recipe that came from outside and fills in what it leaves open.
 * @throws ThimbleError E_RECIPE with every fault and its JSON path
 */
export function parseRecipe(json: unknown): Recipe {
  const result = recipeFaults(json);
  if ('recipe' in result) return result.recipe;
  throw new ThimbleError('E_RECIPE', `the recipe is not valid: ${result.faults.join('; ')}`, [
    `The default recipe is ${JSON.stringify(a8w8)}.`,
  ]);
}

/** The recipe, or every fault with its JSON path, for whoever collects them. */
export function recipeFaults(json: unknown): { readonly recipe: Recipe } | { readonly faults: readonly string[] } {
  const result = recipeSchema.safeParse(json);
  if (result.success) return { recipe: result.data };
  const faults = result.error.issues.map(
    ({ path, message }) => `$${path.map((key) => `.${String(key)}`).join('')}: ${message}`,
  );
  return { faults };
}
