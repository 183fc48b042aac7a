/** Labels that no accuracy can be made of, told before minutes of work: classes that the model lacks, or one class alone. */
import type { Dataset } from '../core/dataset.js';
import { ThimbleError } from '../core/errors.js';
import { type Graph, tensorOf } from '../core/graph.js';
import { elementCount } from '../core/tensor.js';

/**
 * Data without classes passes: it calibrates, and nothing is scored.
 * @param compares whether the classes choose or train something, for which one class is not enough
 * @throws ThimbleError E_DATA_SHAPE for a class that the model has no output for, E_TRAINING for one class alone
 */
export function checkClasses(graph: Graph, data: Dataset, compares: boolean): void {
  const outputs = elementCount(tensorOf(graph, graph.outputs[0]!).shape);
  const seen = new Set<number>();
  for (let i = 0; i < data.sampleCount; i++) {
    const label = data.classOf(i);
    if (label === undefined) continue;
    seen.add(label);
    if (outputs > 1 && label >= outputs)
      throw new ThimbleError(
        'E_DATA_SHAPE',
        `"${data.name}" has ${nameOf(data, label)}, the model tells only classes 0 to ${outputs - 1} apart`,
        ['Check that this is the data the model was trained on.', 'Labels count from 0, in the order of the outputs.'],
        { where: `at sample ${i}` },
      );
  }
  if (compares && seen.size === 1)
    throw new ThimbleError(
      'E_TRAINING',
      `"${data.name}" has samples of ${nameOf(data, [...seen][0]!)} alone: an answer that is always the same would be right`,
      'Give data with samples of every class.',
    );
}

const nameOf = (data: Dataset, label: number): string => {
  const name = data.labels[label];
  return name === undefined || name === String(label) ? `class ${label}` : `class ${label} ("${name}")`;
};
