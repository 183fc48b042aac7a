/** Golden bytes of TensorFlow Lite Micro's reference kernels, from ../shared: single operators and whole models. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { ThimbleError } from '../../src/core/errors.js';
import { type Graph, tensorOf } from '../../src/core/graph.js';
import { byteCount } from '../../src/core/tensor.js';
import { importTflite } from '../../src/importers/tflite/tflite.js';
import { sharedBytes, sharedPath } from '../shared-folder.js';

export interface GoldenRun {
  readonly label: string;
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
  readonly continues?: boolean; // with the state that the run before has left
  readonly layers?: Uint8Array; // every layer's output, one after another
}
export interface GoldenModel {
  readonly name: string; // 'conv_2d/s2_same', 'kws_ref_model'
  readonly graph: Graph;
  readonly runs: readonly GoldenRun[];
}
export interface Refused {
  readonly name: string;
  readonly code: string;
}

/** Every single-operator case; those that cannot be imported apart, with the reason's code. */
export function goldenOps(): { readonly models: readonly GoldenModel[]; readonly refused: readonly Refused[] } {
  const models: GoldenModel[] = [];
  const refused: Refused[] = [];
  const cases = readdirSync(sharedPath('golden/ops'), { recursive: true, encoding: 'utf8' });
  for (const file of cases.filter((path) => path.endsWith('.tflite')).sort()) {
    const name = file.replace(/\.tflite$/, '');
    const vectors = JSON.parse(readFileSync(sharedPath(`golden/ops/${name}.json`), 'utf8')) as Vectors;
    try {
      models.push({
        name,
        graph: importTflite(sharedBytes(`golden/ops/${file}`), name),
        runs: vectors.cases.map(({ label, inputs, outputs }, i) => ({
          label,
          continues: vectors.stateful && i > 0,
          inputs: inputs.map(fromBase64),
          outputs: outputs.map(fromBase64),
        })),
      });
    } catch (error) {
      if (!(error instanceof ThimbleError)) throw error;
      refused.push({ name, code: error.code });
    }
  }
  return { models, refused };
}

interface Vectors {
  readonly stateful: boolean;
  readonly cases: readonly { readonly label: string; readonly inputs: string[]; readonly outputs: string[] }[];
}
const fromBase64 = (text: string): Uint8Array => Buffer.from(text, 'base64');

/** The three whole models: three inputs with every layer, and more inputs with outputs. */
export const goldenModelNames = ['hello_world_int8', 'kws_ref_model', 'pretrainedResnet_quant'] as const;

export function goldenModel(name: (typeof goldenModelNames)[number]): GoldenModel {
  const graph = importTflite(sharedBytes(`models/${name}.tflite`), name);
  const bytes = (file: string): Uint8Array => sharedBytes(`golden/${name}/${file}`);
  const withLayers = [0, 1, 2].map((k) => ({
    label: `input${k}`,
    inputs: [bytes(`input${k}.bin`)],
    outputs: [bytes(`output${k}.bin`)],
    layers: bytes(`layers${k}.bin`),
  }));
  return { name, graph, runs: [...withLayers, ...moreRuns(name, graph)] };
}

function moreRuns(name: string, graph: Graph): GoldenRun[] {
  const folder = `golden/${name}`;
  const sets: (readonly [label: string, inputs: Uint8Array, outputs: Uint8Array])[] = [];
  for (const label of ['random64', 'all256'])
    if (existsSync(sharedPath(`${folder}/${label}_inputs.bin`)))
      sets.push([label, sharedBytes(`${folder}/${label}_inputs.bin`), sharedBytes(`${folder}/${label}_outputs.bin`)]);
  if (name === 'kws_ref_model')
    sets.push(['kws01', sharedBytes('data/kws01/samples.bin'), sharedBytes(`${folder}/kws01_200_outputs.bin`)]);
  if (name === 'pretrainedResnet_quant')
    sets.push(['cifar10', cifar10Inputs(256), sharedBytes(`${folder}/cifar10_test_first256_outputs.bin`)]);
  const [inputBytes, outputBytes] = [graph.inputs[0]!, graph.outputs[0]!].map((each) =>
    byteCount(tensorOf(graph, each)),
  ) as [number, number];
  return sets.flatMap(([label, inputs, outputs]) =>
    Array.from({ length: outputs.length / outputBytes }, (_, i) => ({
      label: `${label}[${i}]`,
      inputs: [inputs.subarray(i * inputBytes, (i + 1) * inputBytes)],
      outputs: [outputs.subarray(i * outputBytes, (i + 1) * outputBytes)],
    })),
  );
}

/** Records of label, red, green and blue plane, as the model's input: pixel − 128, channels last. */
function cifar10Inputs(count: number): Uint8Array {
  const file = readdirSync(sharedPath('data/cifar10')).find((each) => /test/.test(each) && each.endsWith('.bin'))!;
  const records = sharedBytes(`data/cifar10/${file}`);
  const pixels = 32 * 32;
  const inputs = new Uint8Array(count * pixels * 3);
  for (let sample = 0; sample < count; sample++)
    for (let pixel = 0; pixel < pixels; pixel++)
      for (let channel = 0; channel < 3; channel++)
        inputs[(sample * pixels + pixel) * 3 + channel] =
          records[sample * (1 + 3 * pixels) + 1 + channel * pixels + pixel]! - 128;
  return inputs;
}
