/**
 * Quantization of real networks against their float32 selves and against the TFLite runtime. Subsets, to be quick;
 * the same on all samples: THIMBLE_FULL=1 npx vitest run tests/unit/quantize/accuracy.test.ts (four minutes).
 */
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/core/engine.js';
import { type Graph, tensorOf } from '../../../src/core/graph.js';
import { quantizeValue } from '../../../src/core/real-to-int8.js';
import { dataOf, elementCount, type Tensor, type TypedArray } from '../../../src/core/tensor.js';
import { emitTflite } from '../../../src/emit/tflite.js';
import { tfliteRuntimeEngine } from '../../../src/engines/tflite-runtime.js';
import { importTflite } from '../../../src/importers/tflite/tflite.js';
import { referenceEngine } from '../../../src/interpret/interpreter.js';
import { applyPlan } from '../../../src/quantize/apply-plan.js';
import { calibrate } from '../../../src/quantize/calibrate.js';
import { planQuantization } from '../../../src/quantize/plan.js';
import { a8w8 } from '../../../src/quantize/recipe.js';
import { sharedBytes, withoutShared } from '../../shared-folder.js';

const full = process.env['THIMBLE_FULL'] === '1';

interface Sample {
  readonly values: Float32Array;
  readonly label: number;
}

async function quantized(graph: Graph, samples: readonly Sample[]): Promise<Graph> {
  const stats = await calibrate(graph, samples.map(({ values }) => [values])); // biome-ignore format: one line
  return applyPlan(graph, planQuantization(graph, stats, a8w8));
}

const argmax = (values: TypedArray): number => values.indexOf(Math.max(...values));

/** The class that an engine gives each sample; an int8 model's samples are quantized first. */
async function answers(engine: Engine, graph: Graph, samples: readonly Sample[]): Promise<readonly number[]> {
  const { quant } = tensorOf(graph, graph.inputs[0]!);
  const toInput = (values: Float32Array): TypedArray =>
    quant ? Int8Array.from(values, (x) => quantizeValue(x, quant.scale[0]!, quant.zeroPoint[0]!)) : values;
  const classes: number[] = [];
  for (const { values } of samples) classes.push(argmax((await engine.run([toInput(values)]))[0]!));
  await engine.close();
  return classes;
}

const correct = (classes: readonly number[], samples: readonly Sample[]): number =>
  classes.filter((answer, i) => answer === samples[i]!.label).length;
const agreement = (a: readonly number[], b: readonly number[]): number =>
  a.filter((answer, i) => answer === b[i]).length;

/** The float32 network that an int8 one stands for: the same weights, in real numbers. */
function dequantized(graph: Graph): Graph {
  const real = ({ name, shape, quant, data }: Tensor): Tensor => {
    if (!data) return { name, shape, dtype: 'float32' };
    const { scale, zeroPoint, axis } = quant!;
    const inner = axis === null ? data.length : elementCount(shape.slice(axis + 1));
    const channel = (i: number): number => (axis === null ? 0 : Math.floor(i / inner) % scale.length);
    const values = Float32Array.from(data, (q, i) => scale[channel(i)]! * (q - zeroPoint[channel(i)]!));
    return { name, shape, dtype: 'float32', data: values };
  };
  const tensors = [...graph.tensors].map(([name, tensor]): [string, Tensor] => [
    name,
    tensor.quant ? real(tensor) : tensor,
  ]);
  return { ...graph, tensors: new Map(tensors) };
}

describe.skipIf(withoutShared)('keyword spotting, quantized (needs ../shared)', () => {
  const int8 = withoutShared ? undefined : importTflite(sharedBytes('models/kws_ref_model.tflite'));
  const samples = withoutShared ? [] : kwsSamples(int8!);
  const step = full ? 1 : 4; // of the samples that are scored

  it.each([
    ['the second hundred', 0, 100],
    ['the first hundred', 100, 0],
  ])(
    'scores as the float32 network on %s',
    async (_name, calibrateFrom, scoreFrom) => {
      const float = dequantized(int8!);
      const graph = await quantized(float, samples.slice(calibrateFrom, calibrateFrom + 100));
      const scored = samples.slice(scoreFrom, scoreFrom + 100).filter((_, i) => i % step === 0);
      const reference = await answers(referenceEngine(graph), graph, scored);
      const runtime = await answers(await tfliteRuntimeEngine(emitTflite(graph)), graph, scored);
      const inFloat = await answers(await tfliteRuntimeEngine(emitTflite(float)), float, scored);
      const [hits, floatHits] = [correct(reference, scored), correct(inFloat, scored)];
      if (full)
        console.log({
          scoreFrom,
          hits,
          floatHits,
          runtimeHits: correct(runtime, scored),
          agreement: agreement(reference, runtime),
        });
      expect(hits).toBeGreaterThanOrEqual(floatHits - Math.ceil(scored.length / 100));
      expect(agreement(reference, runtime)).toBeGreaterThanOrEqual(0.98 * scored.length - 1e-9);
    },
    120_000,
  );

  it('keeps the accuracy of its float32 file, calibrated on one half and scored on the other, both ways', async () => {
    const float = importTflite(sharedBytes('models/kws_ref_model_float32.tflite'));
    let [hits, floatHits, n] = [0, 0, 0];
    for (const from of [0, 100]) {
      const graph = await quantized(float, samples.slice(from, from + 100));
      const scored = samples.slice(100 - from, 200 - from).filter((_, i) => i % step === 0);
      hits += correct(await answers(referenceEngine(graph), graph, scored), scored);
      floatHits += correct(await answers(referenceEngine(float), float, scored), scored);
      n += scored.length;
    }
    if (full) {
      console.log({ hits, floatHits, n });
      expect(hits).toBeGreaterThanOrEqual(183);
    }
    expect(hits).toBeGreaterThanOrEqual(floatHits - 1);
  }, 120_000);
});

function kwsSamples(int8: Graph): readonly Sample[] {
  const { scale, zeroPoint } = tensorOf(int8, int8.inputs[0]!).quant!;
  const bytes = sharedBytes('data/kws01/samples.bin');
  const labels = new TextDecoder().decode(sharedBytes('data/kws01/labels.csv')).trim().split('\n');
  return labels.map((line, i) => ({
    label: Number(line.split(',')[1]),
    values: Float32Array.from(
      bytes.subarray(i * 490, (i + 1) * 490),
      (q) => ((q << 24) / 2 ** 24 - zeroPoint[0]!) * scale[0]!,
    ),
  }));
}

/** CIFAR-10 binary records, NHWC, bytes as floats 0 … 255: what the ResNet takes. */
function cifar(file: string, count: number): readonly Sample[] {
  const bytes = sharedBytes(`data/cifar10/${file}`);
  return Array.from({ length: count }, (_, i) => {
    const record = bytes.subarray(i * 3073, (i + 1) * 3073);
    const values = Float32Array.from({ length: 3072 }, (_, at) => record[1 + (at % 3) * 1024 + Math.floor(at / 3)]!);
    return { label: record[0]!, values };
  });
}

describe.skipIf(withoutShared)('ResNet-8, quantized (needs ../shared)', () => {
  it('is as right as the float32 network, with scales near those that TFLite chose', async () => {
    const float = importTflite(sharedBytes('models/pretrainedResnet_float32.tflite'));
    const graph = await quantized(float, cifar('cifar10_train_10000.bin', full ? 500 : 60));
    const scored = cifar('cifar10_test_2000.bin', full ? 2000 : 150);
    const reference = await answers(referenceEngine(graph), graph, scored);
    const runtime = await answers(await tfliteRuntimeEngine(emitTflite(graph)), graph, scored);
    const inFloat = await answers(await tfliteRuntimeEngine(emitTflite(float)), float, scored);
    const [hits, floatHits] = [correct(reference, scored), correct(inFloat, scored)];
    if (full)
      console.log({ hits, floatHits, runtimeHits: correct(runtime, scored), agreement: agreement(reference, runtime) });
    expect(Math.abs(hits - floatHits) / scored.length).toBeLessThanOrEqual(full ? 0.005 : 0.03);
    // Single against double rounding: TFLite Micro's own golden answers of its own int8 ResNet agree on 94 % only.
    expect(agreement(reference, runtime) / scored.length).toBeGreaterThanOrEqual(0.94);

    const tflite = importTflite(sharedBytes('models/pretrainedResnet_quant.tflite'));
    expect(graph.nodes.map(({ op }) => op)).toEqual(tflite.nodes.map(({ op }) => op));
    for (const [i, node] of graph.nodes.entries()) {
      const [ours, theirs] = [tensorOf(graph, node.outputs[0]!), tensorOf(tflite, tflite.nodes[i]!.outputs[0]!)];
      expect(ours.quant!.scale[0]! / theirs.quant!.scale[0]!, node.name).toBeGreaterThan(0.6);
      expect(ours.quant!.scale[0]! / theirs.quant!.scale[0]!, node.name).toBeLessThan(1.7);
    }
  }, 600_000);

  it('has the weights that TFLite chose, to the last bit but few', () => {
    const float = importTflite(sharedBytes('models/pretrainedResnet_float32.tflite'));
    const tflite = importTflite(sharedBytes('models/pretrainedResnet_quant.tflite'));
    const stats = {
      sampleCount: 1,
      tensors: Object.fromEntries([...float.tensors.keys()].map((name) => [name, { min: -1, max: 1 }])),
    };
    const graph = applyPlan(float, planQuantization(float, stats, a8w8));
    let [different, all] = [0, 0];
    for (const [i, node] of graph.nodes.entries()) {
      if (node.op !== 'conv_2d') continue;
      const ours = tensorOf(graph, node.inputs[1]!);
      const theirs = tensorOf(tflite, tflite.nodes[i]!.inputs[1]!);
      expect(ours.quant).toEqual(theirs.quant);
      const values = dataOf(theirs);
      different += dataOf(ours).filter((value: number, at: number) => value !== values[at]).length;
      all += values.length;
    }
    expect(all).toBeGreaterThan(70_000);
    expect(different / all).toBeLessThan(0.001);
  });
});
