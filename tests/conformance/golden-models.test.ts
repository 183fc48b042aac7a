/**
 * The reference interpreter equals TensorFlow Lite Micro's kernels byte for byte: every layer of three models, every
 * further input that was recorded, and the single operators.
 */
import { describe, expect, it } from 'vitest';
import { tensorOf } from '../../src/core/graph.js';
import { arrayTypeOf, byteCount, type TypedArray } from '../../src/core/tensor.js';
import { createInterpreter } from '../../src/interpret/interpreter.js';
import { ops } from '../../src/ops/index.js';
import { sharedBytes, withoutShared } from '../shared-folder.js';
import { type GoldenModel, type GoldenRun, goldenModel, goldenModelNames, goldenOps } from './golden-files.js';

const bytesOf = ({ buffer, byteOffset, byteLength }: TypedArray): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

function typedInputs({ graph }: GoldenModel, { inputs }: GoldenRun): TypedArray[] {
  return inputs.map(
    (bytes, i) => new arrayTypeOf[tensorOf(graph, graph.inputs[i]!).dtype](Uint8Array.from(bytes).buffer),
  );
}

/** Number of bytes compared; the runs whose outputs differ. */
function compareOutputs(model: GoldenModel): { bytes: number; differing: string[] } {
  const interpreter = createInterpreter(model.graph, { keepState: model.runs.some(({ continues }) => continues) });
  let bytes = 0;
  const differing = model.runs.filter((run) => {
    const outputs = interpreter.run(typedInputs(model, run)).map(bytesOf);
    bytes += outputs.reduce((sum, { length }) => sum + length, 0);
    return outputs.length !== run.outputs.length || !outputs.every((output, i) => equal(output, run.outputs[i]!));
  });
  return { bytes, differing: differing.map(({ label }) => `${model.name} ${label}`) };
}

describe.skipIf(withoutShared).each(goldenModelNames)('%s, interpreted (needs ../shared)', (name) => {
  const recordedRuns = { hello_world_int8: 3 + 256, kws_ref_model: 3 + 200 + 64, pretrainedResnet_quant: 3 + 256 };

  it('has every layer equal, in both ways of running', () => {
    const model = goldenModel(name);
    const interpreter = createInterpreter(model.graph);
    const { layers: recorded } = JSON.parse(Buffer.from(sharedBytes(`golden/${name}/manifest.json`)).toString()) as {
      layers: { op: string; bytes: number }[];
    };
    expect(model.graph.nodes.map(({ op }) => op.toUpperCase())).toEqual(recorded.map(({ op }) => op));
    for (const run of model.runs.filter(({ layers }) => layers)) {
      const inputs = typedInputs(model, run);
      const all = interpreter.runAll(inputs);
      let offset = 0;
      interpreter.runLayers(inputs).forEach((layer, k) => {
        const { name: node, outputs } = model.graph.nodes[k]!;
        const expected = run.layers!.subarray(offset, (offset += recorded[k]!.bytes));
        expect(layer.byteLength, node).toBe(byteCount(tensorOf(model.graph, outputs[0]!)));
        expect(equal(bytesOf(layer), expected), `${run.label}: layer ${k}, "${node}"`).toBe(true);
        expect(all.get(outputs[0]!), node).toEqual(layer);
      });
      expect(offset).toBe(run.layers!.length);
    }
  });

  it('has every recorded output equal', () => {
    const model = goldenModel(name);
    expect(compareOutputs(model).differing).toEqual([]);
    expect(model.runs.length).toBe(recordedRuns[name]);
  });
});

describe.skipIf(withoutShared)('single operators, interpreted (needs ../shared)', () => {
  const wide: ReadonlySet<string> = new Set(['int16', 'int32', 'int64']); // activations that Thimble has no kernels for
  const isWide = ({ graph }: GoldenModel) =>
    [...graph.tensors.values()].some(({ data, dtype, isVariable }) => !data && !isVariable && wide.has(dtype));

  it('has every recorded output of every known operator equal', () => {
    const models = goldenOps().models.filter((model) => !isWide(model));
    const results = models.map(compareOutputs);
    expect(results.flatMap(({ differing }) => differing)).toEqual([]);
    expect(results.reduce((sum, { bytes }) => sum + bytes, 0)).toBeGreaterThan(40_000);
    const covered = new Set(models.flatMap(({ graph }) => graph.nodes.map(({ op }) => op)));
    expect(ops.filter(({ name, unpinned }) => !covered.has(name) && !unpinned).map(({ name }) => name)).toEqual([]);
  });
});
