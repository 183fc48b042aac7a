/** What a sweep may do to a model, one step at a time. A step is plain JSON with one key that says what it is. */
import { z } from 'zod';
import { ThimbleError } from '../../core/errors.js';
import { type Recipe, recipeFaults } from '../../quantize/recipe.js';
import { trainingSchema, withoutOpen } from '../../quantize/training-choices.js';
import { fineTuneDefaults } from '../../train/fine-tune.js';
import { qatDefaults } from '../../train/quantize-aware.js';
import { loadRecipe } from '../load-recipe.js';

const share = z.number().gt(0).lt(1);
const pruneSchema = z
  .strictObject({
    /** Share of every layer's channels that leaves. */
    channels: share.optional(),
    /** Share of the multiply-accumulates that leaves, from where it costs least. */
    macs: share.optional(),
    importance: z.enum(['l1', 'l2']).optional(),
    /** Channels that stay, rounded up to a multiple. */
    roundTo: z.int().min(1).max(64).optional(),
  })
  .refine((prune) => (prune.channels === undefined) !== (prune.macs === undefined), 'takes either channels or macs');

export type PruneStep = z.infer<typeof pruneSchema>;
export type TrainStep = z.infer<typeof trainingSchema>;

export type Step =
  | { readonly prune: PruneStep } // channels leave; nothing is trained
  | { readonly train: TrainStep } // in float; with `distill` the model that the sweep began with is the teacher
  | { readonly quantize: Recipe }; // to integers; a step behind it goes on with the weights that these stand for

/** Faults with their JSON path, as sentences; or the step, with what it leaves open. */
export function parseStep(json: unknown, path: string): { readonly step: Step } | { readonly faults: string[] } {
  const keys = json !== null && typeof json === 'object' && !Array.isArray(json) ? Object.keys(json) : [];
  const [kind] = keys;
  if (keys.length !== 1 || !['prune', 'train', 'quantize'].includes(kind!))
    return { faults: [`${path}: a step has one key: prune, train or quantize`] };
  const value = (json as Record<string, unknown>)[kind!];
  if (kind === 'quantize') return parseRecipeOf(value, `${path}.quantize`);
  const schema = kind === 'prune' ? pruneSchema : trainingSchema;
  const result = schema.safeParse(value);
  if (result.success) return { step: { [kind!]: withoutOpen(result.data) } as unknown as Step };
  return {
    faults: result.error.issues.map((issue) => `${path}.${kind}${pathText(issue.path)}: ${issue.message}`),
  };
}

/** The name of a recipe, the path of one, or the recipe itself. */
function parseRecipeOf(value: unknown, path: string): { readonly step: Step } | { readonly faults: string[] } {
  if (typeof value !== 'string') {
    const result = recipeFaults(value);
    if ('recipe' in result) return { step: { quantize: result.recipe } };
    return { faults: result.faults.map((fault) => `${path}${fault.replace(/^\$/, '')}`) };
  }
  try {
    return { step: { quantize: loadRecipe(value) } };
  } catch (error) {
    if (error instanceof ThimbleError) return { faults: [`${path}: ${error.message}`] };
    throw error;
  }
}

export const pathText = (path: readonly PropertyKey[]): string =>
  path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');

/** 'prune50', 'macs50', 'train', 'distill', 'a8w8'. */
export function stepName(step: Step): string {
  if ('quantize' in step) return step.quantize.name;
  if ('train' in step) return step.train.distill ? 'distill' : 'train';
  const { channels, macs } = step.prune;
  return channels === undefined ? `macs${Math.round(macs! * 100)}` : `prune${Math.round(channels * 100)}`;
}

export const trains = (step: Step): boolean =>
  'train' in step || ('quantize' in step && step.quantize.qat !== undefined);

/** The same step with that share of its epochs, one at least: a first, cheap look. */
export function shortened(step: Step, part: number): Step {
  if (part === 1 || !trains(step)) return step;
  const epochs = (whole: number): number => Math.max(1, Math.round(whole * part));
  if ('train' in step)
    return { train: { ...step.train, epochs: epochs(step.train.epochs ?? fineTuneDefaults.epochs) } };
  const { quantize } = step as { readonly quantize: Recipe };
  const qat = { ...quantize.qat, epochs: epochs(quantize.qat?.epochs ?? qatDefaults.epochs) };
  return { quantize: { ...quantize, qat } };
}
