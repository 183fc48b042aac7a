/**
 * The work of a sweep in pieces that any computer with the files can do: plain JSON in, plain JSON out. Models travel as
 * .tflite in base64, so that nothing else needs to be shared.
 */
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ThimbleError } from '../../core/errors.js';
import type { Graph, ModelMetadata } from '../../core/graph.js';
import type { OnEvent } from '../../core/stage-event.js';
import { emitTflite } from '../../emit/tflite.js';
import type { EmulatedCore } from '../../engines/core-program.js';
import { hitsOf } from '../../evaluate/quality.js';
import { scoreEngine } from '../../evaluate/score.js';
import { importModel } from '../../importers/index.js';
import { referenceEngine } from '../../interpret/interpreter.js';
import { simplify } from '../../passes/index.js';
import { macsOf, parametersOf, pruneChannels } from '../../passes/prune-channels.js';
import { floatOnGrid } from '../../quantize/fake-quant.js';
import type { Recipe } from '../../quantize/recipe.js';
import { withoutOpen } from '../../quantize/training-choices.js';
import { checkpointIn } from '../../train/checkpoint.js';
import { fineTune } from '../../train/fine-tune.js';
import { interfaceOf } from '../compare.js';
import { quantizeModel } from '../quantize-model.js';
import type { Workbench } from './context.js';
import { type Measured, measure } from './measure.js';
import type { PruneStep, Step, TrainStep } from './steps.js';

export type Job =
  /** last: whether the model is to be measured then, and so stays in integers. */
  | { readonly kind: 'step'; readonly id: string; readonly step: Step; readonly last: boolean; readonly model: Source }
  | { readonly kind: 'measure'; readonly id: string; readonly core: EmulatedCore | null; readonly model: Source }
  | { readonly kind: 'score'; readonly id: string; readonly on: ScoredOn; readonly model: Source };

/** null = the model that the sweep begins with; else .tflite in base64. */
export type Source = string | null;
export type ScoredOn = 'selection' | 'test';

export type JobResult = StepResult | MeasureResult | ScoreResult;
export interface StepResult {
  readonly kind: 'step';
  readonly model: string; // .tflite in base64
  readonly sha256: string;
  readonly macs: number;
  readonly parameters: number;
  /** Of a step that trains: the epoch whose weights were kept, of how many; 0: training did not help. */
  readonly bestEpoch: number | null;
  readonly epochs: number | null;
}
export interface MeasureResult extends Measured {
  readonly kind: 'measure';
}
export interface ScoreResult {
  readonly kind: 'score';
  readonly right: string; // a digit a sample: 1 = right, so that two models can be compared sample by sample
}

export interface JobOptions {
  readonly onEvent?: OnEvent | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** @throws ThimbleError of whatever the job does; E_INTERRUPTED */
export async function perform(job: Job, bench: Workbench, options: JobOptions): Promise<JobResult> {
  if (job.kind === 'step') {
    const result = await performStep(job, bench, options);
    const { checkpoints } = bench.context;
    if (checkpoints !== undefined) rmSync(join(checkpoints, job.id), { recursive: true, force: true }); // it is through
    return result;
  }
  const model = await modelFrom(job.model, bench);
  if (job.kind === 'score') return score(model.graph, job.on, bench, options);
  const { board, context } = bench;
  return { kind: 'measure', ...measure(model, board, context.optimize, job.core) };
}

async function performStep(job: Job & { kind: 'step' }, bench: Workbench, options: JobOptions): Promise<StepResult> {
  const { graph } = await modelFrom(job.model, bench);
  const { step, last } = job;
  if ('prune' in step) return stepResult(prunedBy(graph, step.prune), null);
  if ('train' in step) return trained(graph, step.train, job.id, bench, options);
  const { seed, checkpoints } = bench.context;
  const folder = checkpoints === undefined ? undefined : join(checkpoints, job.id);
  const { model, data, choice, context } = bench;
  const { quantized, qat } = await quantizeModel(
    { float: graph, original: model.graph, data, choice, preprocessing: context.preprocessing },
    step.quantize,
    { seed, checkpoints: folder, ...options },
  );
  const training = qat && { bestEpoch: qat.bestEpoch, epochs: qat.history.length - 1 };
  if (!last) return stepResult(floatOnGrid(quantized.float, quantized.plan), training);
  return stepResult({ ...quantized.int8, metadata: metadataOf(step.quantize, bench) }, training);
}

function prunedBy(graph: Graph, { channels, macs, ...rest }: PruneStep): Graph {
  const how = withoutOpen(rest);
  if (channels !== undefined) return pruneChannels(graph, { ratio: channels, ...how }).graph;
  const budget = { name: 'MACs', most: macsOf(graph) * (1 - macs!), measure: macsOf, saves: macsOf };
  return pruneChannels(graph, { budgets: [budget], ...how }).graph;
}

async function trained(
  graph: Graph,
  { distill, ...choices }: TrainStep,
  id: string,
  { data, choice, context, model }: Workbench,
  options: JobOptions,
): Promise<StepResult> {
  const checkpoint = context.checkpoints === undefined ? undefined : checkpointIn(join(context.checkpoints, id));
  const {
    graph: tuned,
    history,
    bestEpoch,
  } = await fineTune(graph, data, {
    ...withoutOpen(choices),
    ...(distill && { distill: { teacher: model.graph, ...withoutOpen(distill) } }),
    seed: context.seed,
    indices: choice.training,
    preprocessing: context.preprocessing,
    checkpoint,
    ...options,
  });
  return stepResult(tuned, { bestEpoch, epochs: history.length - 1 });
}

async function score(graph: Graph, on: ScoredOn, bench: Workbench, options: JobOptions): Promise<ScoreResult> {
  const { choice, data, context } = bench;
  const [from, indices] = on === 'test' ? [choice.scoringData, choice.scoring] : [data, choice.selection];
  const io = interfaceOf({ graph }, context.preprocessing);
  const result = await scoreEngine(referenceEngine(graph), io, from, { indices, signal: options.signal });
  return {
    kind: 'score',
    right: hitsOf(result)
      .map((hit) => (hit ? '1' : '0'))
      .join(''),
  };
}

function stepResult(
  graph: Graph,
  training: { readonly bestEpoch: number; readonly epochs: number } | null,
): StepResult {
  const bytes = emitTflite(graph);
  return {
    kind: 'step',
    model: Buffer.from(bytes).toString('base64'),
    sha256: sha256(bytes),
    macs: macsOf(graph),
    parameters: parametersOf(graph),
    bestEpoch: training?.bestEpoch ?? null,
    epochs: training?.epochs ?? null,
  };
}

/** Models of the sweep are read back as anybody's would be; float ones simplified, int8 ones as they are. */
async function modelFrom(source: Source, { model }: Workbench) {
  if (source === null) return model;
  const bytes = new Uint8Array(Buffer.from(source, 'base64'));
  const imported = await importModel({ name: 'model.tflite', bytes, sibling: missing });
  const isFloat = ![...imported.tensors.values()].some(({ dtype, quant }) => dtype === 'int8' && quant !== undefined);
  return { path: 'model.tflite', graph: isFloat ? simplify(imported).graph : imported, bytes, sha256: sha256(bytes) };
}

function missing(): never {
  throw new ThimbleError('E_MODEL_FORMAT', 'a model of the sweep is not whole', 'Remove its stages and run it again.');
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function metadataOf(recipe: Recipe, { context, data, fingerprint, model }: Workbench): ModelMetadata {
  return {
    labels: context.labels ?? model.graph.metadata?.labels ?? data.labels,
    preprocessing: context.preprocessing ?? { scale: [1], offset: [0] },
    recipe: { name: recipe.name, sha256: sha256(new TextEncoder().encode(JSON.stringify(recipe))) },
    source: { modelSha256: fingerprint.model, dataSha256: fingerprint.data },
    seed: context.seed,
  };
}
