/** A float model quantized by a recipe, and what that does to each of its layers. Nothing is written. */
import type { Dataset } from '../core/dataset.js';
import { preprocessSample } from '../core/encode-sample.js';
import { ThimbleError } from '../core/errors.js';
import type { Preprocessing } from '../core/graph.js';
import type { OnEvent } from '../core/stage-event.js';
import { stratifiedIndices } from '../datasets/index.js';
import { firstThatHurt, type LayerSensitivity, layerSensitivity } from '../evaluate/layer-sensitivity.js';
import { checkSamplesFit } from '../evaluate/score.js';
import type { Sample } from '../quantize/calibrate.js';
import { type Quantized, quantizeGraph } from '../quantize/quantize-graph.js';
import type { Recipe } from '../quantize/recipe.js';
import { interfaceOf } from './compare.js';
import type { LoadedModel } from './load-model.js';

export interface ExplainOptions {
  readonly recipe: Recipe;
  readonly calibration: number; // samples that set the ranges
  readonly samples: number; // to run through the layers; none of them calibrates, as long as there are others
  readonly seed: number;
  readonly preprocessing: Preprocessing | undefined;
  readonly onEvent?: OnEvent | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Explanation {
  readonly calibrationSamples: number;
  readonly samples: number;
  readonly layers: readonly LayerSensitivity[];
  readonly firstThatHurt: readonly string[]; // node names
}

/** @throws ThimbleError E_USAGE for an int8 model and for a recipe that trains; E_DATA_SHAPE and what quantization throws */
export async function explain(model: LoadedModel, data: Dataset, options: ExplainOptions): Promise<Explanation> {
  const { onEvent, signal } = options;
  const { quantized, calibrationSamples, samples } = await quantizeToExplain(model, data, options);
  const layers = await layerSensitivity({ ...quantized, samples }, { onEvent, signal });
  return {
    calibrationSamples,
    samples: samples.length,
    layers,
    firstThatHurt: firstThatHurt(quantized.float, layers).map(({ node }) => node),
  };
}

/** Quantizes by the recipe, and gives samples that took no part in that. @throws ThimbleError as explain */
export async function quantizeToExplain(
  model: LoadedModel,
  data: Dataset,
  options: ExplainOptions,
): Promise<{
  readonly quantized: Quantized;
  readonly calibrationSamples: number;
  readonly shown: readonly number[]; // of the data
  readonly samples: readonly Sample[]; // those, in the float model's units
}> {
  if (model.kind !== 'float32')
    throw new ThimbleError('E_USAGE', `${model.path} is int8 already: there is no float model to hold it against`, [
      'Explain the float model that it came from.',
      'To see its layers and their quantization: thimble inspect MODEL',
    ]);
  if (options.recipe.qat)
    throw new ThimbleError('E_USAGE', `"${options.recipe.name}" trains, so that float and int8 have other weights`, [
      'Take a recipe without training, such as a8w8.',
    ]);
  const { preprocessing, seed, onEvent, signal } = options;
  checkSamplesFit(interfaceOf(model, preprocessing), data);
  const calibration = stratifiedIndices(data, Math.min(options.calibration, data.sampleCount), seed);
  const used = new Set(calibration);
  const others = Array.from({ length: data.sampleCount }, (_, i) => i).filter((i) => !used.has(i));
  const among = others.length > 0 ? others : calibration;
  const shown = stratifiedIndices(data, Math.min(options.samples, among.length), seed, among);
  const sampleAt = (index: number) => [preprocessSample(data.sample(index), preprocessing)];
  const quantized = await quantizeGraph(model.graph, calibration.map(sampleAt), options.recipe, {
    onEvent,
    signal,
    sampleCount: calibration.length,
  });
  return { quantized, calibrationSamples: calibration.length, shown, samples: shown.map(sampleAt) };
}
