/** One layer of a float model, quantized by a recipe and worked out by hand on one sample. Nothing is written. */
import type { Dataset } from '../core/dataset.js';
import { type GranularityLoss, granularityLosses } from '../evaluate/granularity.js';
import { type LayerMath, layerMath, nodeNamed } from '../evaluate/layer-math.js';
import { equalizeLayers } from '../quantize/equalize.js';
import { type ExplainOptions, quantizeToExplain } from './explain.js';
import type { LoadedModel } from './load-model.js';

export interface MathOptions extends ExplainOptions {
  readonly layer: string; // a node's name
  readonly at?: readonly number[] | undefined; // which output: place without the batch; a telling one unless given
}

export interface MathExplanation {
  readonly calibrationSamples: number;
  readonly sample: number; // of the data: the one that is worked out
  readonly class: string | null; // of that sample
  readonly samples: number; // that the losses below are of
  readonly math: LayerMath;
  /** One weight scale for the layer, and one for each channel; null for layers without weights. */
  readonly granularity: readonly GranularityLoss[] | null;
}

/** @throws ThimbleError as explain; E_USAGE for a layer or an output that there is not */
export async function explainMath(model: LoadedModel, data: Dataset, options: MathOptions): Promise<MathExplanation> {
  const { recipe, layer, at } = options;
  nodeNamed(model.graph, layer); // before any work
  const { quantized, calibrationSamples, shown, samples } = await quantizeToExplain(model, data, options);
  const math = layerMath({ ...quantized, recipe, sample: samples[0]! }, layer, at);
  const float = recipe.weights.equalize ? equalizeLayers(model.graph).graph : model.graph;
  const sampleClass = data.classOf(shown[0]!);
  return {
    calibrationSamples,
    sample: shown[0]!,
    class: sampleClass === undefined ? null : (data.labels[sampleClass] ?? null),
    samples: samples.length,
    math,
    granularity: math.example && granularityLosses(float, quantized.stats, recipe, layer, samples),
  };
}
