/** All that is said about how right one model is over one set of samples, beside its accuracy. */
import type { TensorSpec } from '../core/tensor.js';
import { areaUnderCurve, oneVersusRest } from './auc.js';
import { type ClassMetrics, classMetrics, macroF1 } from './class-metrics.js';
import { expectedCalibrationError, probabilitiesOf } from './confidence.js';
import type { Score } from './score.js';
import { realValues } from './task.js';

export interface Quality {
  readonly classes: readonly ClassMetrics[] | null; // null without classes, and for an autoencoder
  readonly macroF1: number | null;
  /** Area under the ROC curve: of a detector for its positive class, otherwise the mean of each class against the rest. */
  readonly auc: number | null;
  readonly aucByClass: readonly (number | null)[] | null; // of a classifier
  readonly calibrationError: number | null; // expected calibration error; null where the outputs are no classes
}

/** @param output the spec of the first output: integers are scored as the reals that they stand for */
export function qualityOf(score: Score, output: TensorSpec, classCount: number): Quality {
  const known = score.classes.flatMap((wanted, i) => (wanted === undefined ? [] : [i]));
  if (known.length === 0 || classCount === 0)
    return { classes: null, macroF1: null, auc: null, aucByClass: null, calibrationError: null };
  const classes = known.map((i) => score.classes[i]!);
  const metrics = score.confusion ? classMetrics(score.confusion) : null;
  const shared = { classes: metrics, macroF1: metrics && macroF1(metrics) };
  const { detections, task } = score;
  const right = known.map((i) => score.predictions[i] === score.classes[i]);
  if (detections) {
    const scores = known.map((i) => detections[i]!);
    const auc = areaUnderCurve(
      scores,
      classes.map((wanted) => wanted === task.positive),
    );
    const calibrationError =
      task.kind === 'one output'
        ? expectedCalibrationError(
            scores.map((p) => [1 - p, p]),
            right,
          )
        : null;
    return { ...shared, auc, aucByClass: null, calibrationError };
  }
  const outputs = known.map((i) => realValues(score.outputs[i]!, output));
  if (outputs[0]!.length !== classCount) return { ...shared, auc: null, aucByClass: null, calibrationError: null };
  const { byClass, macro } = oneVersusRest(outputs, classes, classCount);
  return {
    ...shared,
    auc: macro,
    aucByClass: byClass,
    calibrationError: expectedCalibrationError(probabilitiesOf(outputs), right),
  };
}

/** Whether each labelled sample was classified rightly, in the order scored: what two models are paired by. */
export const hitsOf = ({ classes, predictions }: Score): readonly boolean[] =>
  classes.flatMap((wanted, i) => (wanted === undefined ? [] : [wanted === predictions[i]]));
