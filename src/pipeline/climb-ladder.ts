/**
 * The ladder: recipe after recipe, cheapest first, until the accuracy holds. Every choice is made on samples held out of
 * the data for that; what scores the result in the end takes no part.
 */
import { ThimbleError } from '../core/errors.js';
import type { Node } from '../core/graph.js';
import { type AccuracyLoss, accuracyLoss } from '../evaluate/accuracy-loss.js';
import { type ActivationNoise, activationNoise } from '../evaluate/activation-noise.js';
import type { Proportion } from '../evaluate/interval.js';
import { localErrors } from '../evaluate/local-error.js';
import type { Score } from '../evaluate/score.js';
import type { Recipe } from '../quantize/recipe.js';
import { type Rung, type RungName, rungNames, rungs } from '../quantize/rungs.js';
import { canWiden } from '../quantize/widths.js';
import { type Attempt, Climber, scoreSelection } from './climber.js';
import { type KeptRung, type LayerNeed, layerNeeds, withWidened } from './layer-needs.js';
import type { QuantizedModel, QuantizeInput, RunOptions } from './quantize-model.js';
import type { SampleChoice } from './sample-choice.js';
import { fewestThatHold, priceOf, type WideningPrice, widenedBy } from './widen-layers.js';

export interface LadderOptions extends RunOptions {
  readonly recipe: Recipe; // of the first rung
  readonly maxDrop: number; // points of accuracy
  readonly lastRung?: RungName | undefined;
}

export interface TriedRung {
  readonly rung: RungName;
  readonly recipe: string; // the best of the rung's
  readonly tried: readonly string[]; // all of them
  readonly accuracy: Proportion;
  readonly loss: AccuracyLoss; // against the float model, over the samples that choose
  readonly holds: boolean;
  readonly kept: boolean; // whether the rungs after it build on it
}

export interface LadderReport {
  readonly maxDropPoints: number;
  readonly float: Proportion; // on the samples that choose
  readonly tried: readonly TriedRung[];
  readonly rung: RungName; // the first that holds
  readonly recipe: Recipe; // its recipe
  readonly layers: readonly LayerNeed[];
  /** Of 16-bit activations, where the result has them. */
  readonly price: WideningPrice | null;
  /** Of the result on the samples that score, which took no part in any choice. Null where there are none. */
  readonly confirmed: AccuracyLoss | null;
}

/** Layers are looked at over so many samples: their errors are means over thousands of values each. */
const LAYER_SAMPLES = 32;

/**
 * @throws ThimbleError E_GATE where no rung holds, E_USAGE for data without classes, E_DATA_EMPTY for too little of it,
 *   and what quantizeModel throws
 */
export async function climbLadder(
  input: QuantizeInput,
  options: LadderOptions,
): Promise<QuantizedModel & { readonly ladder: LadderReport }> {
  const { recipe: base, maxDrop, onEvent } = options;
  const float = await scoreSelection(input.original, input, options);
  const climber = new Climber(input, options);
  let best: Attempt | undefined;
  const tried: TriedRung[] = [];
  const kept: KeptRung[] = [];
  let noise: readonly ActivationNoise[] = [];
  say(`float32: ${accuracyText(float)} on ${float.n} samples held out of the data to choose by`);
  if (float.accuracy!.low <= 1 / input.data.labels.length)
    say(
      'The float model is hardly better than guessing, so that any INT8 model is near it: check --scale and --offset.',
    );
  if (100 / float.n > maxDrop)
    say(
      `one of ${float.n} samples is ${pointsText(100 / float.n)}: none may be lost on balance. More data tells more.`,
    );

  for (const rung of rungsUpTo(options.lastRung)) {
    if (rung.name === 'qat' && input.choice.training.length === 0) continue;
    const recipes = rung.candidates(best?.recipe ?? base, base).filter((recipe) => climber.wouldDiffer(recipe));
    if (recipes.length === 0) continue;
    const attempt = rung.name === '16-bit' && best ? await widened(best, climber) : await bestOf(recipes, climber);
    if (!attempt) continue;
    const loss = lossOf(attempt.score);
    const holds = loss.points <= maxDrop;
    const keep = holds || !best || hits(attempt.score) > hits(best.score);
    const names = rung.name === '16-bit' ? [attempt.recipe.name] : recipes.map(({ name }) => name);
    tried.push({
      rung: rung.name,
      recipe: attempt.recipe.name,
      tried: names,
      accuracy: attempt.score.accuracy!,
      loss,
      holds,
      kept: keep,
    });
    say(
      `${rung.title} (${attempt.recipe.name}): ${accuracyText(attempt.score)}, ${lossText(loss)}` +
        (holds ? '' : ` of ${maxDrop} allowed`),
    );
    if (!keep) continue;
    const before = best;
    best = attempt;
    kept.push({ rung: rung.name, ...attempt, errors: layersOf(attempt) });
    if (holds) {
      const { quantized, qat, recipe } = attempt;
      const wide = rung.name === '16-bit' ? recipe.activations.layers : undefined;
      const layers = wide ? withWidened(layerNeeds(kept.slice(0, -1)), wide, noise) : layerNeeds(kept);
      const price = wide && before ? priceOf(wide, before.quantized.int8, quantized.int8) : null;
      const ladder = { maxDropPoints: maxDrop, float: float.accuracy!, tried, rung: rung.name, recipe, layers, price };
      return { quantized, qat, ladder: { ...ladder, confirmed: null } };
    }
  }
  throw notHeld(best!, lossOf(best!.score), kept.at(-1)!, input, options);

  function say(message: string): void {
    onEvent?.({ stage: 'ladder', message });
  }
  function lossOf({ predictions }: Score): AccuracyLoss {
    return accuracyLoss(float.predictions, predictions, input.data, input.choice.selection);
  }
  /** Undefined where the model has no layer whose result could be wider. */
  async function widened(from: Attempt, by: Climber): Promise<Attempt | undefined> {
    const { reference, quantized, recipe } = from;
    const able = (node: Node): boolean => canWiden(reference, node);
    noise = await activationNoise(quantized.float, quantized.plan, by.kept.slice(0, LAYER_SAMPLES), able, options);
    const ranked = noise.filter((each) => each.noise > 0).map(({ node }) => node);
    if (ranked.length === 0) return undefined;
    const { attempt } = await fewestThatHold(
      ranked,
      async (layers) => {
        const tried = await by.widen(from, widenedBy(recipe, layers));
        say(`${layers.length} of ${ranked.length} layers in 16 bits: ${lossText(lossOf(tried.score))}`);
        return tried;
      },
      ({ score }) => lossOf(score).points <= maxDrop,
    );
    return attempt;
  }
  function layersOf({ reference, quantized }: Attempt) {
    return localErrors(reference, quantized.float, quantized.plan, climber.kept.slice(0, LAYER_SAMPLES));
  }
}

/** @throws ThimbleError E_USAGE for data that gives no accuracy, E_DATA_EMPTY where none of it can be held out */
export function checkLadderData(data: QuantizeInput['data']): void {
  if (data.labels.length === 0)
    throw new ThimbleError('E_USAGE', `--max-drop is a loss of accuracy, and "${data.name}" has no classes`, [
      'Give labelled data: a label column, class-named folders, or an array of labels.',
      'Or name a recipe: --recipe a8w8.',
    ]);
  if (data.sampleCount < LEAST_SAMPLES)
    throw new ThimbleError(
      'E_DATA_EMPTY',
      `${data.sampleCount} samples are too few to calibrate with some and to choose a recipe by others`,
      `Give ${LEAST_SAMPLES} samples or more, and hundreds to tell a loss of one point.`,
    );
}

const LEAST_SAMPLES = 10;

function rungsUpTo(last: RungName | undefined): readonly Rung[] {
  return last === undefined ? rungs : rungs.slice(0, rungNames.indexOf(last) + 1);
}

/** The first of the most hits. */
async function bestOf(recipes: readonly Recipe[], climber: Climber): Promise<Attempt> {
  let best: Attempt | undefined;
  for (const recipe of recipes) {
    const attempt = await climber.attempt(recipe);
    if (!best || hits(attempt.score) > hits(best.score)) best = attempt;
  }
  return best!;
}

const hits = ({ accuracy }: Score): number => accuracy!.hits;
const accuracyText = ({ accuracy }: Score): string => `${(100 * accuracy!.value).toFixed(2)} %`;
const pointsText = (points: number): string => `${points.toFixed(2)} points`;
const lossText = ({ points }: AccuracyLoss): string =>
  points > 0 ? `${pointsText(points)} lost` : points < 0 ? `${pointsText(-points)} gained` : 'nothing lost';

function notHeld(
  best: Attempt,
  loss: AccuracyLoss,
  { errors }: KeptRung,
  input: QuantizeInput,
  options: LadderOptions,
) {
  const { maxDrop, lastRung } = options;
  const worst = [...errors].sort((a, b) => a.sqnrDb - b.sqnrDb).slice(0, 3);
  const layers = worst.map(({ node, sqnrDb }) => `"${node}" (${sqnrDb.toFixed(1)} dB)`).join(', ');
  const enough = Math.ceil(loss.points * 10) / 10;
  const trains = lastRung === undefined || lastRung === 'qat' || lastRung === '16-bit';
  return new ThimbleError(
    'E_GATE',
    `no rung of the ladder stays within ${maxDrop} points of float: the best, ${best.recipe.name}, loses ${loss.points.toFixed(2)} (n = ${loss.n})`,
    [
      ...(trains
        ? ['Train longer: --epochs 20, or a recipe with a "qat" of your own.']
        : [`Let it climb on: without --last-rung ${lastRung}.`]),
      ...(input.float === input.original ? [] : ['Prune less: what pruning loses counts as well.']),
      `Allow more: --max-drop ${enough}`,
    ],
    { where: `int8 is furthest from float at the layers ${layers}` },
  );
}

/**
 * The result on samples that took no part: where it loses more than allowed by more than chance, the gate is broken.
 * Within chance it is said, and stands.
 * @returns the report with what was found
 * @throws ThimbleError E_GATE
 */
export function confirmLadder(
  ladder: LadderReport,
  float: Score | null,
  int8: Score | null,
  { scoringData, scoring, scoredOn }: SampleChoice,
  onEvent: RunOptions['onEvent'],
): LadderReport {
  if (!float || !int8) return ladder;
  const confirmed = accuracyLoss(float.predictions, int8.predictions, scoringData, scoring);
  if (confirmed.n === 0) return ladder;
  const { maxDropPoints } = ladder;
  const found = `${pointsText(confirmed.points)} on the ${scoredOn} (n = ${confirmed.n}, 95 % ${confirmed.low.toFixed(2)} … ${confirmed.high.toFixed(2)})`;
  if (confirmed.low > maxDropPoints)
    throw new ThimbleError(
      'E_GATE',
      `${ladder.recipe.name} stayed within ${maxDropPoints} points on the samples that chose it, but loses ${found}`,
      [
        'Give --data that is like the test data: both should come from the same source.',
        `Allow more: --max-drop ${Math.ceil(confirmed.points * 10) / 10}`,
      ],
    );
  if (confirmed.points > maxDropPoints)
    onEvent?.({
      stage: 'ladder',
      message: `${found} are lost: more than ${maxDropPoints}, but ${confirmed.n} samples are too few to tell that from chance`,
    });
  return { ...ladder, confirmed };
}
