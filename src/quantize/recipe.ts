/** A quantization recipe: what a person chooses. Plain JSON; every key has a default, an unknown key is refused. */
import { z } from 'zod';
import { ThimbleError } from '../core/errors.js';

const recipeSchema = z.strictObject({
  name: z.string().min(1).default('a8w8'),
  weights: z
    .strictObject({
      /** conv_2d and depthwise_conv_2d: one scale per output channel, or one for all. */
      granularity: z.enum(['per-channel', 'per-tensor']).default('per-channel'),
      /** fully_connected apart: old runtimes know one scale only. */
      fullyConnected: z.enum(['per-channel', 'per-tensor']).default('per-tensor'),
    })
    .prefault({}),
  activations: z
    .strictObject({
      /** How a range is made from what was seen. min-max keeps every value that calibration met. */
      calibrator: z.enum(['min-max']).default('min-max'),
    })
    .prefault({}),
});

export type Recipe = z.infer<typeof recipeSchema>;

/** 8-bit activations and weights, per-channel convolutions, min/max calibration: TFLite's own choice. */
export const a8w8: Recipe = recipeSchema.parse({});

/**
 * Checks a recipe that came from outside and fills in what it leaves open.
 * @throws ThimbleError E_RECIPE with every fault and its JSON path
 */
export function parseRecipe(json: unknown): Recipe {
  const result = recipeSchema.safeParse(json);
  if (result.success) return result.data;
  const faults = result.error.issues.map(
    ({ path, message }) => `$${path.map((key) => `.${String(key)}`).join('')}: ${message}`,
  );
  throw new ThimbleError('E_RECIPE', `the recipe is not valid: ${faults.join('; ')}`, [
    `The default recipe is ${JSON.stringify(a8w8)}.`,
  ]);
}
