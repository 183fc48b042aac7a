/**
 * The rungs of the ladder, cheapest first: what to change in a recipe when the one before loses too much accuracy. All
 * but the last cost time on this computer and nothing on the board.
 */
import type { Recipe } from './recipe.js';
import { withoutOpen } from './training-choices.js';

export type RungName =
  | 'ptq'
  | 'calibrator'
  | 'equalization'
  | 'bias-correction'
  | 'adaptive-rounding'
  | 'qat'
  | '16-bit';

export interface Rung {
  readonly name: RungName;
  readonly title: string;
  /**
   * Recipes to try, of which the best counts; none where the recipe has this already.
   * @param best the best recipe of the rungs below
   * @param base what the ladder started from
   */
  candidates(best: Recipe, base: Recipe): readonly Recipe[];
}

export const rungs: readonly Rung[] = [
  {
    name: 'ptq',
    title: 'plain PTQ',
    candidates: (_best, base) => [withoutTraining(base)],
  },
  {
    name: 'calibrator',
    title: 'another calibrator',
    candidates: (best) =>
      (['moving-average', 'percentile', 'entropy', 'mse'] as const)
        .filter((calibrator) => calibrator !== best.activations.calibrator)
        .map((calibrator) =>
          renamed(best, calibrator, { activations: withoutOpen({ ...best.activations, calibrator }) }),
        ),
  },
  {
    name: 'equalization',
    title: 'equalized layers',
    // Equal ranges have other outliers: what clipped best before may clip too much now.
    candidates: (best, base) =>
      best.weights.equalize === true
        ? []
        : [...(best.activations.calibrator === base.activations.calibrator ? [] : [withoutTraining(base)]), best].map(
            (recipe) => renamed(recipe, 'equalized', { weights: { ...recipe.weights, equalize: true } }),
          ),
  },
  {
    name: 'bias-correction',
    title: 'corrected biases',
    candidates: (best) =>
      (best.biasCorrection ?? 'none') !== 'none' || best.weights.rounding === 'adaptive'
        ? []
        : [renamed(best, 'bias', { biasCorrection: 'empirical' })],
  },
  {
    name: 'adaptive-rounding',
    title: 'adaptive rounding',
    candidates: (best) =>
      best.weights.rounding === 'adaptive'
        ? []
        : [renamed(best, 'adaround', { weights: { ...best.weights, rounding: 'adaptive' } })],
  },
  {
    name: 'qat',
    title: 'quantization-aware training',
    // Training moves weights and biases by itself: what was rounded or corrected before it would be lost.
    candidates: (best, base) => {
      const { biasCorrection: _, weights, ...rest } = best;
      const { rounding: __, ...kept } = weights;
      return [{ ...rest, weights: kept, name: `qat-${plainName(best.name)}`, qat: base.qat ?? {} }];
    },
  },
  {
    name: '16-bit',
    title: '16-bit activations',
    // Of all layers: which of them need it shows when they are tried.
    candidates: (best) =>
      best.activations.bits === 16 && best.activations.layers === undefined
        ? []
        : [renamed(best, '16bit', { activations: { ...best.activations, bits: 16 } })],
  },
];

export const rungNames: readonly RungName[] = rungs.map(({ name }) => name);

const withoutTraining = ({ qat: _, ...recipe }: Recipe): Recipe => ({
  ...recipe,
  name: recipe.name.replace(/^qat-/, ''),
});

const renamed = (recipe: Recipe, suffix: string, change: Partial<Recipe>): Recipe => ({
  ...recipe,
  ...change,
  name: `${recipe.name}-${suffix}`,
});

const plainName = (name: string): string => name.replace(/-(bias|adaround)(?=-|$)/g, '');
