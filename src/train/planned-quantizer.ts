/**
 * Fake quantization by the quantizer's own plan. Before every step the plan is made anew for the weights of now, by the
 * same function that makes it for the int8 graph: training sees the scales and zero points that will be stored.
 */
import type * as tf from '@tensorflow/tfjs';
import type { Graph, Node } from '../core/graph.js';
import type { QuantParams } from '../core/tensor.js';
import type { CalibrationStats, TensorStats } from '../quantize/calibrate.js';
import { chosenRange } from '../quantize/chosen-range.js';
import { integersOf } from '../quantize/fake-quant.js';
import { planQuantization, type QuantizationPlan, type TensorPlan } from '../quantize/plan.js';
import type { Recipe } from '../quantize/recipe.js';
import type { Range } from '../quantize/scales.js';
import type { ForwardQuantizer } from './graph-to-tf.js';
import { fakeQuantized, type Grid } from './kernels/fake-quant.js';
import type { TF } from './kernels/heap.js';
import type { StepQuantizer } from './trainer.js';

export class PlannedQuantizer implements StepQuantizer {
  private readonly ranges = new Map<string, Range>();
  private readonly recipe: Recipe;

  /**
   * @param stats of calibration with `recipe`, where the ranges start
   * @param momentum share of the old range that each batch leaves; null = ranges stay as they are
   */
  constructor(
    private readonly initial: CalibrationStats,
    recipe: Recipe,
    private readonly momentum: number | null,
  ) {
    for (const [name, seen] of Object.entries(initial.tensors)) {
      const { min, max } = chosenRange(seen, recipe.activations, name);
      this.ranges.set(name, { min, max });
    }
    const calibrator = momentum === null ? recipe.activations.calibrator : 'moving-average';
    this.recipe = { ...recipe, activations: { ...recipe.activations, calibrator } };
  }

  /** The ranges of now as statistics: what planQuantization reads them from. */
  stats(): CalibrationStats {
    const tensors = Object.fromEntries(
      [...this.ranges].map(([name, range]): [string, TensorStats] => [name, { ...range, average: range }]),
    );
    return { sampleCount: this.initial.sampleCount, tensors };
  }

  /** @param graph with the weights of now */
  plan(graph: Graph): QuantizationPlan {
    // Ranges are settled here already: a calibrator would look for a histogram to choose them from.
    const { percentile: _, momentum: __, ...kept } = this.recipe.activations;
    const settled: Recipe = { ...this.recipe, activations: { ...kept, calibrator: 'moving-average' } };
    const plan = planQuantization(graph, this.stats(), settled);
    const how = this.momentum === null ? this.recipe.activations.calibrator : 'moving average while training';
    const tensors = Object.fromEntries(
      Object.entries(plan.tensors).map(([name, entry]) => [
        name,
        { ...entry, why: entry.why.replace('moving-average of calibration', how) },
      ]),
    );
    return { ...plan, tensors };
  }

  forStep(lib: TF, graph: Graph, learn: boolean): ForwardQuantizer {
    const plan = this.plan(graph);
    return plannedForward(lib, plan, (name, range) => {
      if (learn && this.momentum !== null) this.follow(name, range, this.momentum);
    });
  }

  private follow(name: string, seen: Range, momentum: number): void {
    const old = this.ranges.get(name);
    if (!old || !Number.isFinite(seen.min) || !Number.isFinite(seen.max)) return;
    const blend = (before: number, now: number): number => momentum * before + (1 - momentum) * now;
    this.ranges.set(name, { min: blend(old.min, seen.min), max: blend(old.max, seen.max) });
  }

  state(): unknown {
    return [...this.ranges];
  }

  restore(state: unknown): void {
    for (const [name, range] of state as [string, Range][]) this.ranges.set(name, range);
  }
}

/** The forward pass of a plan. @param seen the ends of each activation before it is moved to its grid */
export function plannedForward(
  lib: TF,
  plan: QuantizationPlan,
  seen: (tensor: string, range: Range) => void = () => {},
): ForwardQuantizer {
  const planned = (name: string): TensorPlan | undefined =>
    Object.hasOwn(plan.tensors, name) ? plan.tensors[name] : undefined;
  const changes = new Map(plan.requantize.map((change) => [`${change.node}\n${change.input}`, change]));
  return {
    constant(name, values, inner) {
      const entry = planned(name);
      return entry ? fakeQuantized(lib, values, gridOf(entry, integersOf(entry, true), inner)) : values;
    },
    activation(name, values) {
      const entry = planned(name);
      if (!entry) return values;
      return fakeQuantized(lib, values, gridOf(entry, integersOf(entry, false), 1), (range) => seen(name, range));
    },
    operand(node: Node, position: number, values: tf.Tensor) {
      const change = changes.get(`${node.name}\n${position}`);
      return change ? fakeQuantized(lib, values, gridOf(change, integersOf(change, false), 1)) : values;
    },
  };
}

const gridOf = (quant: QuantParams, [min, max]: readonly [number, number], inner: number): Grid => ({
  scale: quant.scale,
  zeroPoint: quant.zeroPoint,
  inner,
  min,
  max,
});
