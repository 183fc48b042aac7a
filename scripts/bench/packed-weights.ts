/**
 * What zeros and codebooks in the weights are worth in the emitted C: the keyword spotter with weights cut or rounded to a
 * pattern, as pruning and clustering leave them. Accuracy is not the matter here: nothing is trained.
 */
import type { Graph } from '../../src/core/graph.js';
import { canRun, type EmulatedCore, emulatedCores } from '../../src/engines/core-program.js';
import { opNamed } from '../../src/ops/index.js';
import { benchOnCore } from '../../src/pipeline/bench-core.js';
import { goldenModel } from '../../tests/conformance/golden-files.js';
import { withoutShared } from '../../tests/shared-folder.js';
import type { Row } from './row.js';

const cores = ['cortex-m0plus', 'cortex-m4', 'cortex-m55', 'rv32imc'] as const;
const network = 'kws_ref_model';

/** What becomes of the weights of one layer, whose taps of a channel follow one another. */
const patterns: Readonly<Record<string, (weights: Int8Array) => Int8Array>> = {
  'as published': (weights) => weights,
  '50 % zeros': (weights) => smallestCut(weights, weights.length, 0.5),
  '80 % zeros': (weights) => smallestCut(weights, weights.length, 0.8),
  '2 of 4': (weights) => smallestCut(weights, 4, 0.5),
  '1 of 4': (weights) => smallestCut(weights, 4, 0.75),
  '16 values': (weights) => rounded(weights, 16),
  '32 values': (weights) => rounded(weights, 32),
};

export function benchPackedWeights(): readonly Row[] {
  if (withoutShared) return [{ skipped: 'needs ../shared' }];
  return cores.flatMap((core): readonly Row[] =>
    canRun(emulatedCores[core])
      ? Object.keys(patterns).flatMap((pattern) => rowsOf(core, pattern))
      : [
          {
            core,
            weights: `skipped: needs ${emulatedCores[core].compiler} and ${emulatedCores[core].machine.emulator}`,
          },
        ],
  );
}

function rowsOf(core: EmulatedCore, pattern: string): readonly Row[] {
  const { graph, runs } = goldenModel(network);
  const model = { graph: withWeights(graph, patterns[pattern]!), path: network, sha256: '', bytes: new Uint8Array() };
  const inputs = runs.slice(0, 1).map((run) => run.inputs.map((bytes) => Int8Array.from(bytes)));
  return (['speed', 'balanced', 'flash'] as const).map((optimize) => {
    const result = benchOnCore(model, { core, inputs, optimize });
    const variants = new Set(result.layers.filter(({ op }) => op === 'conv_2d').map(({ kernel }) => kernel));
    return {
      core,
      weights: pattern,
      optimize,
      instructions: result.instructions,
      predicted: result.layers.reduce((sum, { predicted }) => sum + predicted, 0),
      flash: result.flash.totalBytes,
      'RAM + stack': result.ram.totalBytes,
      'bit-exact': String(result.bitExact),
      'conv_2d by': [...variants].join(' '),
    };
  });
}

function withWeights(graph: Graph, change: (weights: Int8Array) => Int8Array): Graph {
  const tensors = new Map(graph.tensors);
  for (const { op, inputs } of graph.nodes) {
    const weights = opNamed(op).quantization?.kind === 'weighted' ? tensors.get(inputs[1] ?? '') : undefined;
    if (weights?.data instanceof Int8Array && op !== 'depthwise_conv_2d')
      tensors.set(weights.name, { ...weights, data: change(weights.data) });
  }
  return { ...graph, tensors };
}

/** Of each group of so many neighbours this share becomes 0: the smallest. */
function smallestCut(weights: Int8Array, group: number, share: number): Int8Array {
  const kept = Int8Array.from(weights);
  for (let start = 0; start < kept.length; start += group) {
    const places = Array.from({ length: Math.min(group, kept.length - start) }, (_, i) => start + i);
    places.sort((a, b) => Math.abs(kept[a]!) - Math.abs(kept[b]!));
    for (const place of places.slice(0, Math.round(places.length * share))) kept[place] = 0;
  }
  return kept;
}

/** To so many values, equally far apart. */
const rounded = (weights: Int8Array, values: number): Int8Array => {
  const step = 256 / values;
  return weights.map((weight) => Math.floor((weight + 128) / step) * step - 128 + step / 2);
};
