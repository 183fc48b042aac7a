/**
 * From a float model to an INT8 one, the stages in order: prune → refit → fine-tune → calibrate → plan → quantize (with training,
 * where the recipe says so; recipe after recipe, where an accuracy is to be held) → score.
 * Nothing is written here; the result is values.
 */
import { createHash } from 'node:crypto';
import type { Dataset } from '../core/dataset.js';
import { ThimbleError } from '../core/errors.js';
import type { Graph, ModelMetadata, Preprocessing } from '../core/graph.js';
import { emitTflite } from '../emit/tflite.js';
import { proportion } from '../evaluate/interval.js';
import { checkSamplesFit, type Score, scoreEngine } from '../evaluate/score.js';
import { referenceEngine } from '../interpret/interpreter.js';
import { type Pruned, type PruneReport, pruneChannels } from '../passes/prune-channels.js';
import type { RoundedLayer } from '../quantize/adaptive-rounding.js';
import type { EqualizationReport } from '../quantize/equalize.js';
import type { QuantizationPlan } from '../quantize/plan.js';
import type { Recipe } from '../quantize/recipe.js';
import type { RungName } from '../quantize/rungs.js';
import { withoutOpen } from '../quantize/training-choices.js';
import { type EpochRecord, fineTune, fineTuneDefaults } from '../train/fine-tune.js';
import { refit } from '../train/refit/refit.js';
import { checkClasses } from './check-classes.js';
import { checkLadderData, climbLadder, confirmLadder, type LadderReport } from './climb-ladder.js';
import { interfaceOf } from './compare.js';
import { describeModel } from './describe-model.js';
import type { LoadedModel } from './load-model.js';
import { noLabels, type QatReport, quantizeModel, type RunOptions, trainingOptions } from './quantize-model.js';
import { chooseSamples, type SampleChoice } from './sample-choice.js';

export interface CompressOptions extends RunOptions {
  readonly recipe: Recipe;
  /** Points of accuracy that may go at most: recipe after recipe is tried until one holds, beginning with `recipe`. */
  readonly maxDrop?: number | undefined;
  readonly lastRung?: RungName | undefined; // of those recipes; all unless given
  readonly calibration: number; // samples, class-stratified
  readonly prune?: number | undefined; // share of the channels to remove, 0 … 1
  readonly refit?: boolean | undefined; // what pruning left, before it is trained; default: only where it cannot be trained
  readonly test?: Dataset | undefined; // to score with; otherwise samples are held out of the data
  readonly scoreLimit: number; // samples scored at most
  readonly labels?: readonly string[] | undefined;
  readonly preprocessing?: Preprocessing | undefined;
}

/** One state of the model on its way, with its figures. */
export interface Stage {
  readonly stage: 'float32' | 'pruned' | 'int8';
  readonly parameters: number;
  readonly macs: number;
  readonly fileBytes: number; // as a .tflite
  readonly score: Score | null; // null where the data has no classes
}

export interface Compressed {
  readonly float: Graph; // as quantized: pruned and fine-tuned where that was asked for
  readonly int8: Graph;
  readonly tflite: Uint8Array;
  readonly stages: readonly Stage[];
  readonly choice: SampleChoice;
  readonly prune: PruneReport | null;
  readonly history: readonly EpochRecord[] | null; // of fine-tuning
  readonly qat: QatReport | null;
  readonly ladder: LadderReport | null;
  readonly plan: QuantizationPlan;
  readonly equalization: EqualizationReport | null;
  readonly rounding: readonly RoundedLayer[] | null;
  readonly metadata: ModelMetadata;
}

/**
 * @throws ThimbleError E_USAGE for an int8 model, E_DATA_SHAPE, E_DATA_EMPTY, E_TRAINING, E_INTERRUPTED, E_GATE where `maxDrop` cannot be held, and what the
 *   stages throw
 */
export async function compress(model: LoadedModel, data: Dataset, options: CompressOptions): Promise<Compressed> {
  if (model.kind !== 'float32')
    throw new ThimbleError('E_USAGE', `${model.path} is int8 already`, [
      'Compress the float model it came from.',
      'To deploy it as it is: thimble deploy MODEL --board BOARD',
    ]);
  const { graph } = model;
  const { preprocessing } = metadataOf(model, data, options);
  const io = interfaceOf(model, preprocessing);
  checkSamplesFit(io, data);
  const climbs = options.maxDrop !== undefined;
  if (climbs) checkLadderData(data);
  const trains = climbs || options.prune !== undefined || options.recipe.qat !== undefined;
  checkClasses(graph, data, trains);
  if (options.test) checkClasses(graph, options.test, false);
  const choice = chooseSamples(data, { ...options, trains, selects: climbs });
  if (options.recipe.qat && choice.training.length === 0) throw noLabels(options.recipe.name, data);
  const score = (subject: Graph): Promise<Score | null> => scoreGraph(subject, preprocessing, choice, options);

  const stages: Stage[] = [await stageOf('float32', graph, score)];
  const pruned = options.prune === undefined ? null : pruneChannels(graph, { ratio: options.prune });
  const learnable = choice.training.length > 0 && options.epochs !== 0;
  const refits = options.refit ?? !learnable;
  let float = pruned?.graph ?? graph;
  if (pruned && refits) float = await refitted(graph, pruned, data, choice, preprocessing, options);
  let history: readonly EpochRecord[] | null = null;
  if (pruned) {
    if (learnable) ({ graph: float, history } = await tune(float, graph, data, choice, preprocessing, options));
    else options.onEvent?.({ stage: 'fine-tune', message: 'Not fine-tuned: the data has no labels to learn from.' });
    stages.push(await stageOf('pruned', float, score));
  }

  const input = { float, original: graph, data, choice, preprocessing };
  const { maxDrop } = options;
  const climbed = maxDrop === undefined ? null : await climbLadder(input, { ...options, maxDrop });
  const { quantized, qat } = climbed ?? (await quantizeModel(input, options.recipe, options));
  const ladder = climbed?.ladder ?? null;
  const { plan, equalization, rounding } = quantized;
  const metadata = metadataOf(model, data, ladder ? { ...options, recipe: ladder.recipe } : options);
  const int8: Graph = { ...quantized.int8, metadata };
  stages.push(await stageOf('int8', int8, score));
  const [before, after] = [stages[0]!.score, stages.at(-1)!.score];
  return {
    float: qat ? quantized.float : float,
    int8,
    tflite: emitTflite(int8),
    stages,
    choice,
    prune: pruned?.report ?? null,
    history,
    qat,
    ladder: ladder && confirmLadder(ladder, before, after, choice, options.onEvent),
    plan,
    equalization,
    rounding,
    metadata,
  };
}

/** What pruning left, with weights that make up for what is gone; no labels are needed for it. */
async function refitted(
  graph: Graph,
  pruned: Pruned,
  data: Dataset,
  { calibration }: SampleChoice,
  preprocessing: Preprocessing | undefined,
  { seed, onEvent, signal }: CompressOptions,
): Promise<Graph> {
  if (pruned.graph === graph) return graph;
  try {
    return await refit(graph, pruned, data, { indices: calibration, preprocessing, seed, onEvent, signal });
  } catch (error) {
    if (!(error instanceof ThimbleError) || error.code !== 'E_UNSUPPORTED_OP') throw error;
    onEvent?.({ stage: 'refit', message: `Weights stay as they were cut: ${error.message}.` });
    return pruned.graph;
  }
}

async function tune(
  graph: Graph,
  original: Graph,
  data: Dataset,
  { training }: SampleChoice,
  preprocessing: Preprocessing | undefined,
  options: CompressOptions,
) {
  const { distill, ...choices } = options.recipe.training ?? {};
  return fineTune(graph, data, {
    ...withoutOpen(choices),
    ...(distill && { distill: { teacher: original, ...withoutOpen(distill) } }),
    ...trainingOptions(options, 'fine-tune'),
    indices: training,
    preprocessing,
  });
}

async function stageOf(
  stage: Stage['stage'],
  graph: Graph,
  score: (graph: Graph) => Promise<Score | null>,
): Promise<Stage> {
  const { parameters, macs } = describeModel(graph);
  return { stage, parameters, macs, fileBytes: emitTflite(graph).length, score: await score(graph) };
}

async function scoreGraph(
  graph: Graph,
  preprocessing: Preprocessing | undefined,
  choice: SampleChoice,
  options: CompressOptions,
): Promise<Score | null> {
  if (choice.scoring.length === 0) return null;
  const engine = referenceEngine(graph);
  const io = interfaceOf({ graph }, preprocessing);
  const { onEvent, signal } = options;
  return scoreEngine(engine, io, choice.scoringData, { indices: choice.scoring, onEvent, signal });
}

function metadataOf({ graph, sha256 }: LoadedModel, data: Dataset, options: CompressOptions): ModelMetadata {
  const labels = options.labels ?? graph.metadata?.labels ?? (data.labels.length > 0 ? data.labels : undefined);
  return {
    ...(labels && { labels }),
    preprocessing: options.preprocessing ?? { scale: [1], offset: [0] },
    recipe: {
      name: recipeName(options),
      sha256: hashOf({
        ...options.recipe,
        prune: options.prune ?? null,
        epochs: options.epochs ?? fineTuneDefaults.epochs,
        ...withoutOpen({ learningRate: options.learningRate }),
      }),
    },
    source: { modelSha256: sha256, dataSha256: data.sha256 },
    seed: options.seed,
  };
}

const recipeName = ({ recipe, prune }: CompressOptions): string =>
  prune === undefined ? recipe.name : `prune${Math.round(prune * 100)}-${recipe.name}`;

const hashOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');

/** How far the last stage is from the first, in points of accuracy; null without classes. */
export function accuracyDrop(stages: readonly Stage[]): number | null {
  const [first, last] = [stages[0]?.score?.accuracy, stages.at(-1)?.score?.accuracy];
  return first && last ? (proportion(first.hits, first.n).value - last.value) * 100 : null;
}
