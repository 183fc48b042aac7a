/** How fast the reference interpreter runs whole networks: multiply-accumulates a second, int8 and float32. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Graph, tensorOf } from '../../src/core/graph.js';
import { arrayTypeOf, elementCount, type TypedArray } from '../../src/core/tensor.js';
import { importTflite } from '../../src/importers/tflite/tflite.js';
import { createInterpreter } from '../../src/interpret/interpreter.js';
import { opNamed } from '../../src/ops/index.js';
import { operandsOf } from '../../src/ops/op.js';
import type { Row } from './row.js';

/** What the int8 reference must reach, in millions of multiply-accumulates a second. */
const models: readonly { readonly file: string; readonly target?: number }[] = [
  { file: 'pretrainedResnet_quant.tflite', target: 600 },
  { file: 'kws_ref_model.tflite', target: 400 },
  { file: 'pretrainedResnet_float32.tflite', target: 600 },
  { file: 'hello_world_int8.tflite' },
];
const folder = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'shared', 'models');
const durationMs = 2000; // per model, after as many warm-up runs as the compiler needs
const warmUpRuns = 30;

export function benchInterpreter(): readonly Row[] {
  return models.map(({ file, target }) => {
    const path = join(folder, file);
    if (!existsSync(path)) return { model: file, skipped: 'not in ../shared/models' };
    const graph = importTflite(readFileSync(path), file);
    const macs = macsOf(graph);
    const runMs = timeRuns(graph);
    const rate = (ms: number): number => Math.round(macs / ms / 1000);
    const median = runMs[Math.floor(runMs.length / 2)]!;
    return {
      model: file,
      MACs: macs,
      runs: runMs.length,
      'median ms': Number(median.toFixed(3)),
      'median M MAC/s': rate(median),
      'best M MAC/s': rate(runMs[0]!), // other programs share the machine
      'target M MAC/s': target ?? '',
    };
  });
}

const macsOf = (graph: Graph): number =>
  graph.nodes.reduce((sum, node) => sum + opNamed(node.op).cost(operandsOf(graph, node)).macs, 0);

/** Milliseconds of each run, ascending. */
function timeRuns(graph: Graph): number[] {
  const interpreter = createInterpreter(graph);
  const inputs = graph.inputs.map((name) => rampInput(graph, name));
  for (let run = 0; run < warmUpRuns; run++) interpreter.run(inputs);
  const runMs: number[] = [];
  for (const end = performance.now() + durationMs; performance.now() < end; ) {
    const start = performance.now();
    interpreter.run(inputs);
    runMs.push(performance.now() - start);
  }
  return runMs.sort((a, b) => a - b);
}

/** Every int8 value, over and over: the time does not depend on it. */
function rampInput(graph: Graph, name: string): TypedArray {
  const { shape, dtype } = tensorOf(graph, name);
  const values = new arrayTypeOf[dtype](elementCount(shape));
  for (let i = 0; i < values.length; i++) values[i] = ((i * 37) % 256) - 128;
  return values;
}
