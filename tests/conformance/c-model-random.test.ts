/** Random graphs with branches and joins: the C, which shares and reuses memory, equals the reference, which does not. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Graph, tensorOf } from '../../src/core/graph.js';
import { elementCount } from '../../src/core/tensor.js';
import { createInterpreter } from '../../src/interpret/interpreter.js';
import { bytesOf, CProgram, canRun, platforms } from '../emulated-core/c-program.js';
import { graphs } from '../unit/plan/graph-of-ops.js';

const inputsOf = (graph: Graph, seed: number): Int8Array[] =>
  graph.inputs.map((name, index) =>
    Int8Array.from(
      { length: elementCount(tensorOf(graph, name).shape) },
      (_, i) => (i * 31 + index * 77) * (seed * 2 + 1),
    ),
  );

describe.skipIf(!canRun(platforms.sanitizers))('random graphs in C (needs gcc)', () => {
  it('equals the reference at every layer, under sanitizers', { timeout: 120_000 }, () => {
    const sample = fc.sample(graphs, { numRuns: 40, seed: 5 });
    const program = new CProgram(
      sample.map((graph, i) => ({ name: `r${i}`, graph })),
      platforms.sanitizers,
    );
    try {
      const requests = [0, 1].flatMap((seed) =>
        sample.map((graph, model) => ({ model, values: inputsOf(graph, seed) })),
      );
      const answers = program.run(requests.map(({ model, values }) => ({ model, inputs: values.map(bytesOf) })));
      requests.forEach(({ model, values }, i) => {
        const reference = createInterpreter(sample[model]!);
        const asBytes = (arrays: readonly Uint8Array[]) => arrays.map((array) => Buffer.from(array).toString('hex'));
        expect(asBytes(answers[i]!.layers)).toEqual(asBytes(reference.runLayers(values).map(bytesOf)));
        expect(asBytes(answers[i]!.outputs)).toEqual(asBytes(reference.run(values).map(bytesOf)));
      });
    } finally {
      program.close();
    }
  });
});
