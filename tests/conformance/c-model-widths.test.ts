/**
 * Networks with 8-bit and 16-bit activations side by side: random ones with branches and joins, quantized by the plan with
 * a random choice of wide layers. Widening and narrowing happen in place; the C equals the reference at every layer.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Graph, tensorOf } from '../../src/core/graph.js';
import { elementCount, type Tensor } from '../../src/core/tensor.js';
import { emitTflite } from '../../src/emit/tflite.js';
import { importTflite } from '../../src/importers/tflite/tflite.js';
import { createInterpreter } from '../../src/interpret/interpreter.js';
import { calibrate } from '../../src/quantize/calibrate.js';
import { quantizeCalibrated } from '../../src/quantize/quantize-graph.js';
import { parseRecipe } from '../../src/quantize/recipe.js';
import { canWiden } from '../../src/quantize/widths.js';
import { bytesOf, CProgram, canRun, type Platform, platforms, strictFlags } from '../emulated-core/c-program.js';
import { graphs } from '../unit/plan/graph-of-ops.js';

/** The graphs of the planner's tests in real numbers, with a softmax, which has no 16-bit kernel, behind the first output. */
function inReals(graph: Graph): Graph {
  const tensors = new Map(
    [...graph.tensors.values()].map(({ name, shape }): [string, Tensor] => [name, { name, shape, dtype: 'float32' }]),
  );
  const [first, ...others] = graph.outputs as [string, ...string[]];
  tensors.set('classes', { ...tensorOf(graph, first), name: 'classes', dtype: 'float32' });
  const softmax = { name: 'classes', op: 'softmax', inputs: [first], outputs: ['classes'], attrs: { beta: 1 } };
  return { ...graph, tensors, nodes: [...graph.nodes, softmax], outputs: ['classes', ...others] };
}

const valuesOf = (graph: Graph, seed: number, reach: number): number[][] =>
  graph.inputs.map((name, index) =>
    Array.from(
      { length: elementCount(tensorOf(graph, name).shape) },
      (_, i) => ((((i * 31 + index * 77) * (seed * 2 + 1)) % 256) - 128) * reach,
    ),
  );

async function mixedNetworks(): Promise<Graph[]> {
  const chosen = fc.sample(fc.tuple(graphs, fc.array(fc.boolean(), { minLength: 14, maxLength: 14 })), {
    numRuns: 26,
    seed: 11,
  });
  const networks: Graph[] = [];
  for (const [graph, flips] of chosen) {
    const float = inReals(graph);
    const able = float.nodes.filter((node) => canWiden(float, node));
    const layers = able.filter((_, i) => flips[i]).map(({ name }) => name);
    if (layers.length === 0) continue;
    const samples = [1, 2, 3].map((seed) => valuesOf(float, seed, 0.02).map((each) => Float32Array.from(each)));
    const recipe = parseRecipe({ activations: { bits: 16, layers } });
    const { int8 } = await quantizeCalibrated(float, await calibrate(float, samples), [], recipe);
    networks.push(int8);
  }
  return networks;
}

const { sanitizers } = platforms;
const on: Readonly<Record<string, Platform>> = {
  sanitizers: { ...sanitizers, flags: [...sanitizers.flags, ...strictFlags] },
  'cortex-m0plus': platforms['cortex-m0plus'],
};

describe('networks of both widths', () => {
  it('have what the tests below are for, and come back from a .tflite as they were', async () => {
    const networks = await mixedNetworks();
    expect(networks.length).toBeGreaterThan(14);
    const kinds = networks.flatMap(({ nodes, tensors }) =>
      nodes
        .filter(({ op }) => op === 'quantize')
        .map(({ inputs, outputs }) => [inputs[0]!, outputs[0]!].map((name) => tensors.get(name)!.dtype).join(' to ')),
    );
    expect(new Set(kinds)).toEqual(new Set(['int8 to int16', 'int16 to int8']));
    for (const graph of networks) {
      for (const name of [...graph.inputs, ...graph.outputs]) expect(tensorOf(graph, name).dtype).toBe('int8');
      const { tensors, nodes } = importTflite(emitTflite(graph), graph.name);
      expect([...tensors.values()].map(({ name, dtype, quant }) => [name, dtype, quant])).toEqual(
        [...graph.tensors.values()].map(({ name, dtype, quant }) => [name, dtype, quant]),
      );
      expect(nodes.map(({ op, inputs, outputs }) => [op, inputs, outputs])).toEqual(
        graph.nodes.map(({ op, inputs, outputs }) => [op, inputs, outputs]),
      );
    }
  });

  for (const [name, platform] of Object.entries(on))
    it.skipIf(!canRun(platform))(
      `give the reference's bytes at every layer: ${name} (needs ${platform.compiler})`,
      { timeout: 240_000 },
      async () => {
        const networks = await mixedNetworks();
        const program = new CProgram(
          networks.map((graph, i) => ({ name: `m${i}`, graph })),
          platform,
        );
        try {
          const requests = [0, 1].flatMap((seed) =>
            networks.map((graph, model) => ({
              model,
              values: valuesOf(graph, seed, 1).map((each) => Int8Array.from(each)),
            })),
          );
          const answers = program.run(requests.map(({ model, values }) => ({ model, inputs: values.map(bytesOf) })));
          requests.forEach(({ model, values }, i) => {
            const layers = createInterpreter(networks[model]!).runLayers(values).map(bytesOf);
            const hex = (arrays: readonly Uint8Array[]) => arrays.map((array) => Buffer.from(array).toString('hex'));
            expect(hex(answers[i]!.layers), `network ${model}`).toEqual(hex(layers));
          });
        } finally {
          program.close();
        }
      },
    );
});
