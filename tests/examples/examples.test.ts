/** The committed examples hold what their READMEs promise. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/core/dataset.js';
import { encodeSample } from '../../src/core/encode-sample.js';
import { type Graph, tensorOf } from '../../src/core/graph.js';
import { perTensorQuant } from '../../src/core/tensor.js';
import { openDataset } from '../../src/datasets/index.js';
import { argMax } from '../../src/evaluate/score.js';
import { createInterpreter } from '../../src/interpret/interpreter.js';
import { pruneChannels } from '../../src/passes/prune-channels.js';
import { loadModel } from '../../src/pipeline/load-model.js';
import { applyPlan } from '../../src/quantize/apply-plan.js';
import { calibrate } from '../../src/quantize/calibrate.js';
import { planQuantization } from '../../src/quantize/plan.js';
import { a8w8 } from '../../src/quantize/recipe.js';
import { fineTune } from '../../src/train/fine-tune.js';
import { type TF, wasmBackend } from '../../src/train/wasm-backend.js';
import { projectFolder } from '../shared-folder.js';

const example = (path: string): string => join(projectFolder, 'examples', path);

/** The model as TensorFlow.js itself reads it. */
async function layersModel(lib: TF, folder: string): Promise<tf.LayersModel> {
  const { modelTopology, weightsManifest } = JSON.parse(readFileSync(example(`${folder}/model.json`), 'utf8'));
  const weightData = Uint8Array.from(readFileSync(example(`${folder}/weights.bin`))).buffer;
  return lib.loadLayersModel({
    load: async () => ({ modelTopology, weightSpecs: weightsManifest[0].weights, weightData }),
  });
}

/** The share of samples that the reference interpreter classifies rightly. */
function accuracyOf(graph: Graph, data: Dataset): number {
  const interpreter = createInterpreter(graph);
  const input = tensorOf(graph, graph.inputs[0]!);
  let hits = 0;
  for (let i = 0; i < data.sampleCount; i++) {
    const [output] = interpreter.run([encodeSample(data, i, input, undefined)]);
    if (argMax(output!) === data.classOf(i)) hits++;
  }
  return hits / data.sampleCount;
}

async function quantized(graph: Graph, data: Dataset): Promise<Graph> {
  const samples = Array.from({ length: 300 }, (_, i) => [data.sample(i)]);
  return applyPlan(graph, planQuantization(graph, await calibrate(graph, samples), a8w8));
}

describe('examples/digits', () => {
  let [train, test]: Dataset[] = [];
  let graph: Graph;
  let float: number;
  beforeAll(async () => {
    train = await openDataset(example('digits/digits-train.npz'));
    test = await openDataset(example('digits/digits-test.npz'));
    graph = (await loadModel(example('digits'))).graph;
    float = accuracyOf(graph, test);
  });

  it('holds out 2,000 digits, 200 of each class, none of them among the 8,000 for training', () => {
    expect([train!.sampleCount, test!.sampleCount]).toEqual([8000, 2000]);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 2000; i++) counts[test!.classOf(i)!]!++;
    expect(counts).toEqual(new Array(10).fill(200));
    const bytes = (data: Dataset): string[] =>
      Array.from({ length: data.sampleCount }, (_, i) =>
        Buffer.from(Uint8Array.from(data.sample(i))).toString('latin1'),
      );
    const known = new Set(bytes(train!));
    expect(bytes(test!).filter((digit) => known.has(digit))).toEqual([]);
  });

  it('is right on at least 97 % of them by TensorFlow.js and by our interpreter', async () => {
    const lib = await wasmBackend();
    const model = await layersModel(lib, 'digits');
    const pixels = Float32Array.from({ length: 2000 * 784 }, () => 0);
    for (let i = 0; i < 2000; i++) pixels.set(test!.sample(i), i * 784);
    const x = lib.tensor4d(pixels, [2000, 28, 28, 1]);
    const classes = (model.predict(x, { batchSize: 250 }) as tf.Tensor).argMax(1).dataSync();
    x.dispose();
    const theirs = [...classes].filter((label, i) => label === test!.classOf(i)).length / 2000;
    expect(theirs).toBeGreaterThanOrEqual(0.97);
    expect(float).toBeGreaterThanOrEqual(0.97);
    expect(Math.abs(theirs - float)).toBeLessThanOrEqual(1 / 2000);
  });

  it('loses at most half a point in INT8, and takes bytes by subtracting 128', async () => {
    const int8 = await quantized(graph, train!);
    expect(float - accuracyOf(int8, test!)).toBeLessThanOrEqual(0.005);
    expect(perTensorQuant(tensorOf(int8, int8.inputs[0]!))).toEqual({ scale: 1, zeroPoint: -128 });
  });

  it('loses at most one and a half with half of its channels pruned', async () => {
    const { graph: pruned, report } = pruneChannels(graph, { ratio: 0.5 });
    expect(report.layers.map(({ channelsAfter }) => channelsAfter)).toEqual([4, 8, 12, 10]);
    const { graph: tuned } = await fineTune(pruned, train!);
    expect(float - accuracyOf(await quantized(tuned, train!), test!)).toBeLessThanOrEqual(0.015);
  });
});

describe('examples/sine', () => {
  it('follows the sine, in float and in INT8', async () => {
    const { graph } = await loadModel(example('sine'));
    const data = await openDataset(example('sine/sine.npz'));
    const samples = Array.from({ length: data.sampleCount }, (_, i) => [data.sample(i)]);
    const int8 = applyPlan(graph, planQuantization(graph, await calibrate(graph, samples), a8w8));
    const largestError = (model: Graph): number => {
      const interpreter = createInterpreter(model);
      const [input, output] = [tensorOf(model, model.inputs[0]!), tensorOf(model, model.outputs[0]!)];
      const real = (q: number): number => {
        if (output.dtype === 'float32') return q;
        const { scale, zeroPoint } = perTensorQuant(output);
        return (q - zeroPoint) * scale;
      };
      return Math.max(
        ...samples.map(([x], i) => {
          const [y] = interpreter.run([encodeSample(data, i, input, undefined)]);
          return Math.abs(real(y![0]!) - Math.sin(x![0]!));
        }),
      );
    };
    expect(largestError(graph)).toBeLessThan(0.03);
    expect(largestError(int8)).toBeLessThan(0.08);
  });
});
