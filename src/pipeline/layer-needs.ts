/** Which rung of the ladder each layer needed, and why: from the errors of the layers after every rung that was kept. */
import type { ActivationNoise } from '../evaluate/activation-noise.js';
import type { LocalError } from '../evaluate/local-error.js';
import type { Quantized } from '../quantize/quantize-graph.js';
import type { Recipe } from '../quantize/recipe.js';
import type { RungName } from '../quantize/rungs.js';

export interface KeptRung {
  readonly rung: RungName;
  readonly recipe: Recipe;
  readonly quantized: Quantized;
  readonly errors: readonly LocalError[];
}

export interface LayerNeed {
  readonly node: string;
  readonly op: string;
  readonly rung: RungName; // the first after which the layer is as good as in the end
  readonly why: string;
  readonly sqnrDb: Readonly<Partial<Record<RungName, number>>>; // of the layer alone, after each rung
}

/** A layer that is nearer to the end than this is there: 1 dB is a tenth of the error's size. */
const SETTLED_DB = 1;
/** A mean shift of a fiftieth of the layer's own size does not move an answer. */
const SMALL_SHIFT = 0.02;

/** @param kept the rungs that the result is built on, the last of them the one that holds */
export function layerNeeds(kept: readonly KeptRung[]): readonly LayerNeed[] {
  const last = kept.at(-1)!;
  // The mean is what these rungs mend; before them, a shift comes from layers before as likely as from this one.
  const refined = kept.findIndex(({ rung }) => rung !== 'ptq' && rung !== 'calibrator' && rung !== 'equalization');
  return last.errors.map(({ node, op }, i) => {
    const after = kept.map(({ errors }) => errors[i]!);
    const end = after.at(-1)!;
    const shifted = refined > 0 && after[refined - 1]!.shift > Math.max(SMALL_SHIFT, 2 * end.shift);
    const at = after.findIndex(({ sqnrDb }, k) => sqnrDb >= end.sqnrDb - SETTLED_DB && (k >= refined || !shifted));
    const sqnrDb = Object.fromEntries(kept.map(({ rung }, k) => [rung, round(after[k]!.sqnrDb)]));
    const why = at === 0 ? `${decibels(after[0]!)}: ${kept[0]!.recipe.name} is enough` : reason(kept, at, i);
    return { node, op, rung: kept[at]!.rung, why, sqnrDb };
  });
}

/** The same with the layers whose results are 16 bits wide now, which are of any kind. @param noise of each in 8 bits */
export function withWidened(
  needs: readonly LayerNeed[],
  layers: readonly string[],
  noise: readonly ActivationNoise[],
): readonly LayerNeed[] {
  const widened = noise
    .filter(({ node }) => layers.includes(node))
    .map(({ node, op, noise: share }): LayerNeed => {
      const why = `rounded to 8 bits, its result alone leaves ${(-10 * Math.log10(share)).toFixed(1)} dB at the model's output`;
      return { node, op, rung: '16-bit', why, sqnrDb: needs.find((each) => each.node === node)?.sqnrDb ?? {} };
    });
  return [...needs.filter(({ node }) => !layers.includes(node)), ...widened];
}

function reason(kept: readonly KeptRung[], at: number, i: number): string {
  const { rung, recipe, quantized, errors } = kept[at]!;
  const { [i]: before } = kept[at - 1]!.errors;
  const { [i]: after } = errors;
  const gain = `${decibels(before!)} → ${decibels(after!)}`;
  const { node } = after!;
  switch (rung) {
    case 'calibrator':
      return `${gain}: outliers coarsened its steps; ${recipe.activations.calibrator} clips them`;
    case 'equalization': {
      const pairs = (quantized.equalization?.pairs ?? []).filter(
        ({ first, second }) => first === node || second === node,
      );
      const largest = Math.max(1, ...pairs.map(({ largestFactor }) => largestFactor));
      const others = pairs.map(({ first, second }) => `"${first === node ? second : first}"`).join(' and ');
      return `${gain}: channels shared with ${others} differed in range, by up to ${Math.round(largest).toLocaleString('en-US')}×`;
    }
    case 'bias-correction':
      return `mean off by ${percent(before!.shift)} → ${percent(after!.shift)} of its size: rounding had shifted it`;
    case 'adaptive-rounding': {
      const layer = quantized.rounding?.find((each) => each.node === node);
      const changed = layer ? `${layer.changed} of ${layer.weights} weights round the other way` : 'other roundings';
      return `${gain}, mean off by ${percent(before!.shift)} → ${percent(after!.shift)}: ${changed}`;
    }
    default:
      return `${gain}, mean off by ${percent(before!.shift)} → ${percent(after!.shift)}: trained`;
  }
}

const round = (value: number): number => Math.round(value * 10) / 10;
const decibels = ({ sqnrDb }: LocalError): string => `${sqnrDb.toFixed(1)} dB`;
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
