/** Carries the ladder's recipes out, each to an int8 model and its score on the samples that choose. */
import type { Graph } from '../core/graph.js';
import { type Score, scoreEngine } from '../evaluate/score.js';
import { referenceEngine } from '../interpret/interpreter.js';
import { type CalibrationStats, calibrate, type Sample } from '../quantize/calibrate.js';
import { equalizeLayers } from '../quantize/equalize.js';
import { quantizeCalibrated, REFINING_SAMPLES } from '../quantize/quantize-graph.js';
import type { Recipe } from '../quantize/recipe.js';
import { interfaceOf } from './compare.js';
import {
  calibrationSamples,
  type QuantizedModel,
  type QuantizeInput,
  quantizeModel,
  type RunOptions,
} from './quantize-model.js';

export interface Attempt extends QuantizedModel {
  readonly recipe: Recipe;
  readonly reference: Graph; // the float graph that the integers should equal
  readonly score: Score;
}

/** What several recipes need, such as the pass over the calibration samples, is done once. */
export class Climber {
  readonly kept: Sample[] = [];
  private readonly equalized: ReturnType<typeof equalizeLayers>;
  private readonly seen = new Map<string, CalibrationStats>();

  constructor(
    private readonly input: QuantizeInput,
    private readonly options: RunOptions,
  ) {
    this.equalized = equalizeLayers(input.float);
  }

  /** Equalization may find no two layers that follow each other in the way that it needs. */
  wouldDiffer({ weights }: Recipe): boolean {
    return weights.equalize !== true || this.equalized.report.pairs.length > 0;
  }

  async attempt(recipe: Recipe): Promise<Attempt> {
    const { onEvent, signal } = this.options;
    let model: QuantizedModel;
    let reference: Graph;
    if (recipe.qat) {
      model = await quantizeModel(this.input, recipe, this.options);
      reference = model.quantized.float;
    } else {
      const { graph, report } =
        recipe.weights.equalize === true ? this.equalized : { graph: this.input.float, report: null };
      const stats = await this.statsOf(graph, recipe);
      const quantized = await quantizeCalibrated(graph, stats, this.kept, recipe, { onEvent, signal });
      model = { quantized: { ...quantized, equalization: report }, qat: null };
      reference = graph;
    }
    const score = await scoreSelection(model.quantized.int8, this.input, this.options);
    return { ...model, recipe, reference, score };
  }

  /** A trained model is not trained again: its weights stay, and are quantized once more with wider activations. */
  async widen(from: Attempt, recipe: Recipe): Promise<Attempt> {
    if (!from.recipe.qat) return this.attempt(recipe);
    const { onEvent, signal } = this.options;
    const { float } = from.quantized;
    const stats = await calibrate(
      float,
      calibrationSamples(this.input, signal),
      onEvent,
      this.input.choice.calibration.length,
      recipe.activations,
    );
    const quantized = await quantizeCalibrated(float, stats, this.kept, recipe, { onEvent, signal });
    const score = await scoreSelection(quantized.int8, this.input, this.options);
    return {
      quantized: { ...quantized, equalization: from.quantized.equalization },
      qat: from.qat,
      recipe,
      reference: float,
      score,
    };
  }

  /** A histogram serves three calibrators, and the smallest and largest value are always there. */
  private async statsOf(graph: Graph, { activations, weights }: Recipe): Promise<CalibrationStats> {
    const { calibrator } = activations;
    const keeps = { 'min-max': 'ends', 'moving-average': 'average' }[calibrator as string] ?? 'histogram';
    const which = weights.equalize === true ? 'equalized' : 'given';
    const known = [...this.seen].find(
      ([key]) => key === `${which} ${keeps}` || (keeps === 'ends' && key.startsWith(which)),
    );
    if (known) return known[1];
    const { onEvent, signal } = this.options;
    const stats = await calibrate(
      graph,
      keepFirst(calibrationSamples(this.input, signal), this.kept),
      onEvent,
      this.input.choice.calibration.length,
      activations,
    );
    this.seen.set(`${which} ${keeps}`, stats);
    return stats;
  }
}

async function* keepFirst(samples: AsyncIterable<Sample>, kept: Sample[]) {
  const full = kept.length > 0; // the same samples as last time
  for await (const sample of samples) {
    if (!full && kept.length < REFINING_SAMPLES) kept.push(sample);
    yield sample;
  }
}

/** On the samples that choose between recipes. */
export function scoreSelection(graph: Graph, input: QuantizeInput, { onEvent, signal }: RunOptions): Promise<Score> {
  const { data, choice, preprocessing } = input;
  const io = interfaceOf({ graph }, preprocessing);
  return scoreEngine(referenceEngine(graph), io, data, { indices: choice.selection, onEvent, signal });
}
