/**
 * What training makes small: the cross-entropy of the labels, and, with a teacher, the divergence from its softened
 * answers (knowledge distillation): (1 − α) · cross-entropy + α · T² · KL(teacher / T ‖ student / T).
 */
import type * as tf from '@tensorflow/tfjs';
import { ThimbleError } from '../core/errors.js';
import { type Graph, producerOf, tensorOf } from '../core/graph.js';
import { elementCount } from '../core/tensor.js';
import { graphToTf } from './graph-to-tf.js';
import type { TF } from './kernels/heap.js';

export interface Distillation {
  readonly teacher: Graph; // float32, the same input and classes
  readonly temperature?: number; // 4: above 1 shows how alike the teacher finds the wrong classes
  readonly alpha?: number; // 0.5: 0 = labels alone, 1 = the teacher alone
}

export const distillationDefaults = { temperature: 4, alpha: 0.5 } as const;

/** The tensor before the final softmax: cross-entropy of logits keeps its precision where probabilities reach 0 and 1. */
export function logitsOf(graph: Graph): string {
  const [output] = graph.outputs;
  const last = producerOf(graph, output!);
  return last?.op === 'softmax' && last.attrs['beta'] === 1 ? last.inputs[0]! : output!;
}

/** @throws ThimbleError E_TRAINING where the graph has not one input and one output of at least two classes */
export function classCountOf(graph: Graph): number {
  const [output] = graph.outputs;
  const shape = graph.outputs.length === 1 ? tensorOf(graph, output!).shape : [];
  const classes = shape.at(-1) ?? 0;
  if (graph.inputs.length === 1 && classes > 1 && shape.slice(0, -1).every((size) => size === 1)) return classes;
  throw new ThimbleError(
    'E_TRAINING',
    `"${graph.name}" is no classifier with one input and one output of several classes`,
    'Fine-tune it in the framework that made it; Thimble trains classifiers only.',
    { where: `at the outputs ${graph.outputs.map((name) => `"${name}"`).join(', ')}` },
  );
}

/** Mean over the batch. @param logits [batch, classes] */
export function crossEntropy(lib: TF, logits: tf.Tensor, labels: Int32Array): tf.Scalar {
  const classes = logits.shape[1]!;
  const wanted = new Float32Array(labels.length * classes);
  for (const [row, label] of labels.entries()) wanted[row * classes + label] = 1;
  return lib.losses.softmaxCrossEntropy(lib.tensor2d(wanted, [labels.length, classes]), logits);
}

/** A model that is asked and never changes. */
export interface Teacher {
  /** @param logits of the student, [batch, classes], differentiable; @param x the batch that gave them */
  loss(x: tf.Tensor, logits: tf.Tensor, labels: Int32Array): tf.Scalar;
  dispose(): void;
}

/** @throws ThimbleError E_TRAINING where teacher and student do not fit together, and as graphToTf */
export function openTeacher(lib: TF, student: Graph, choice: Distillation): Teacher {
  const { teacher, temperature, alpha } = { ...distillationDefaults, ...choice };
  const [classes, taught] = [classCountOf(student), classCountOf(teacher)];
  const inputSize = (graph: Graph): number => elementCount(tensorOf(graph, graph.inputs[0]!).shape);
  if (classes !== taught || inputSize(student) !== inputSize(teacher))
    throw new ThimbleError(
      'E_TRAINING',
      `the teacher "${teacher.name}" takes ${inputSize(teacher)} values and tells ${taught} classes apart, the model ${inputSize(student)} and ${classes}`,
      'Give a teacher that was trained on the same data.',
    );
  const model = graphToTf(lib, teacher);
  const [, ...shape] = tensorOf(teacher, teacher.inputs[0]!).shape;
  const output = logitsOf(teacher);
  return {
    loss(x, logits, labels) {
      const batch = labels.length;
      const [answers] = model.forward([lib.reshape(x, [batch, ...shape])], [output]);
      const soft = lib.softmax(lib.div(lib.reshape(answers!, [batch, classes]), temperature));
      const own = lib.logSoftmax(lib.div(logits, temperature));
      const divergence = lib.sum(lib.mul(soft, lib.sub(lib.log(lib.add(soft, 1e-12)), own)));
      const taughtLoss = lib.mul(divergence, (alpha * temperature * temperature) / batch);
      return lib.add(taughtLoss, lib.mul(crossEntropy(lib, logits, labels), 1 - alpha));
    },
    dispose: () => model.dispose(),
  };
}

/** −log of the probability that each row gives its label. */
export function labelLosses(logits: Float32Array, labels: Int32Array): Float64Array {
  const classes = logits.length / labels.length;
  return Float64Array.from(labels, (label, row) => {
    const scores = logits.subarray(row * classes, (row + 1) * classes);
    const largest = scores.reduce((a, b) => Math.max(a, b));
    let sum = 0;
    for (const score of scores) sum += Math.exp(score - largest);
    return Math.log(sum) + largest - scores[label]!;
  });
}

/** The share of rows whose largest value stands at the label. */
export function hitRate(logits: Float32Array, labels: Int32Array): number {
  const classes = logits.length / labels.length;
  let hits = 0;
  for (const [row, label] of labels.entries()) {
    const scores = logits.subarray(row * classes, (row + 1) * classes);
    if (scores.indexOf(scores.reduce((a, b) => Math.max(a, b))) === label) hits++;
  }
  return hits / labels.length;
}
