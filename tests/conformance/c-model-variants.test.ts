/**
 * Every family of fast kernels on the emulated core it is for: random layers with all that kernels get wrong, both over
 * their input and apart from it, against the reference; inputs that drive sums to the bounds the host has proved.
 */
import { describe, expect, it } from 'vitest';
import type { Core } from '../../src/core/board-spec.js';
import type { Graph } from '../../src/core/graph.js';
import { dataOf, elementCount } from '../../src/core/tensor.js';
import { type ChoiceOptions, chooseImplementations } from '../../src/plan/choose-implementations.js';
import { bytesOf, CProgram, canRun, type Platform, platforms, strictFlags } from '../emulated-core/c-program.js';
import { int8Tensor, graphOf as opGraph, randomBytes, referenceOf } from '../unit/ops/random-ops.js';
import { graphOf, type Layer, layerNode } from '../unit/ops/weighted-layer.js';
import { columnLayers, encodedLayers, packings, randomLayers } from './random-layers.js';

interface Family {
  readonly variant: RegExp;
  readonly platform: Platform;
  readonly every: number; // only each so-manieth of the layers below, where building takes long
  readonly least: number; // of those, how many it computes at least
  readonly layers?: 'encoded' | 'packed'; // those with zeros and codebooks, for kernels that read them and for unpacking
}
const { sanitizers } = platforms;
const onHost = (target: Core): Platform => ({
  ...sanitizers,
  target,
  flags: [...sanitizers.flags, ...strictFlags, '-Wno-unused-function'],
});
const cxx = (target: Core): Platform => ({ ...platforms.cplusplus, target });
/** Inline assembly depends on what the compiler does around it. */
const at = (level: string, platform: Platform, usual = '-O2'): Platform => ({
  ...platform,
  flags: platform.flags.map((flag) => (flag === usual ? level : flag)),
});
const families: Readonly<Record<string, Family>> = {
  'dsp on cortex-m4': { variant: /^dsp/, platform: platforms['cortex-m4'], every: 1, least: 55 },
  'dsp here, without its instructions, under sanitizers': {
    variant: /^dsp/,
    platform: onHost('cortex-m4'),
    every: 2,
    least: 24,
  },
  'dsp here, as C++11': { variant: /^dsp/, platform: cxx('cortex-m4'), every: 2, least: 24 },
  'words on cortex-m0plus': { variant: /^words/, platform: platforms['cortex-m0plus'], every: 1, least: 55 },
  'words on cortex-m3': { variant: /^words/, platform: platforms['cortex-m3'], every: 1, least: 55 },
  'words on rv32imc': { variant: /^words/, platform: platforms.rv32imc, every: 1, least: 55 },
  'encoded on rv32imc': {
    variant: /_sparse|_codebook/,
    platform: platforms.rv32imc,
    every: 2,
    least: 12,
    layers: 'encoded',
  },
  'avr on avr': { variant: /^avr(?!_rows)/, platform: platforms.avr, every: 3, least: 16 },
  'avr rows on avr': { variant: /^avr_rows/, platform: platforms.avr, every: 4, least: 8 },
  'avr rows on avr at -O3': { variant: /^avr_rows/, platform: at('-O3', platforms.avr, '-Os'), every: 10, least: 3 },
  'avr rows here, without its instructions, under sanitizers': {
    variant: /^avr_rows/,
    platform: onHost('avr'),
    every: 5,
    least: 6,
  },
  'avr on avr at -O3': { variant: /^avr(?!_rows)/, platform: at('-O3', platforms.avr, '-Os'), every: 5, least: 10 },
  'avr here, without its instructions, under sanitizers': {
    variant: /^avr(?!_rows)/,
    platform: onHost('avr'),
    every: 2,
    least: 24,
  },
  'portable on avr': { variant: /^portable/, platform: platforms.avr, every: 6, least: 12 },
  'portable on rv32imc': { variant: /^portable/, platform: platforms.rv32imc, every: 3, least: 12 },
  'words on cortex-m0plus at -Os': {
    variant: /^words/,
    platform: at('-Os', platforms['cortex-m0plus']),
    every: 4,
    least: 12,
  },
  'encoded on cortex-m0plus at -Os': {
    variant: /_sparse|_codebook/,
    platform: at('-Os', platforms['cortex-m0plus']),
    every: 4,
    least: 6,
    layers: 'encoded',
  },
  'dsp on cortex-m4 at -Os': { variant: /^dsp/, platform: at('-Os', platforms['cortex-m4']), every: 5, least: 10 },
  'dsp on cortex-m4 at -O3': { variant: /^dsp/, platform: at('-O3', platforms['cortex-m4']), every: 5, least: 10 },
  'mve on cortex-m55 at -O3': { variant: /^mve/, platform: at('-O3', platforms['cortex-m55']), every: 5, least: 10 },
  'sparse on cortex-m0plus': {
    variant: /_sparse/,
    platform: platforms['cortex-m0plus'],
    every: 1,
    least: 18,
    layers: 'encoded',
  },
  'sparse on cortex-m4': {
    variant: /_sparse/,
    platform: platforms['cortex-m4'],
    every: 1,
    least: 18,
    layers: 'encoded',
  },
  'codebook on cortex-m0plus': {
    variant: /_codebook/,
    platform: platforms['cortex-m0plus'],
    every: 1,
    least: 10,
    layers: 'encoded',
  },
  'codebook on cortex-m4': {
    variant: /_codebook/,
    platform: platforms['cortex-m4'],
    every: 1,
    least: 10,
    layers: 'encoded',
  },
  'encoded here, without its instructions, under sanitizers': {
    variant: /_sparse|_codebook/,
    platform: onHost('cortex-m0plus'),
    every: 1,
    least: 25,
    layers: 'encoded',
  },
  'packed on cortex-m0plus': {
    variant: /_unpack/,
    platform: platforms['cortex-m0plus'],
    every: 1,
    least: 25,
    layers: 'packed',
  },
  'packed on cortex-m4': {
    variant: /_unpack/,
    platform: platforms['cortex-m4'],
    every: 1,
    least: 25,
    layers: 'packed',
  },
  'packed on cortex-m55': {
    variant: /_unpack/,
    platform: platforms['cortex-m55'],
    every: 1,
    least: 25,
    layers: 'packed',
  },
  'packed on rv32imc': { variant: /_unpack/, platform: platforms.rv32imc, every: 2, least: 12, layers: 'packed' },
  'packed here, in plain C, under sanitizers': {
    variant: /^portable_unpack/,
    platform: onHost('cortex-m4'),
    every: 1,
    least: 25,
    layers: 'packed',
  },
  'mve on cortex-m55': { variant: /^mve/, platform: platforms['cortex-m55'], every: 1, least: 55 },
  'words here, without its instructions, under sanitizers': {
    variant: /^words/,
    platform: onHost('cortex-m0plus'),
    every: 2,
    least: 24,
  },
};

/** Over its input, and, because the input is an output of the model too, apart from it. */
const bothWays = (layers: readonly Layer[]): readonly Graph[] =>
  layers.flatMap((layer, seed) => {
    const node = layerNode(layer, seed + 1);
    const graph = graphOf(layer.op, node);
    return [graph, { ...graph, outputs: ['y', 'x'] }];
  });
const weighted = bothWays([...randomLayers(90), ...columnLayers(10)]);
const encoded = bothWays(encodedLayers(60));
const packed = bothWays(encodedLayers(64, packings));
/** Sums of two tensors, with zero points at the ends, scales far apart, and a sum of a tensor with itself. */
const sums: readonly Graph[] = ['add', 'sub'].flatMap((op) =>
  [
    [-128, 0.05, 127, 0.05, 'relu'],
    [127, 0.001, -128, 0.9, 'none'],
    [0, 0.3, 5, 0.011, 'relu6'],
    [-7, 0.02, -7, 0.02, 'none'],
  ].flatMap(([zeroA, scaleA, zeroB, scaleB, activation], i) => {
    const shape = [1, 3, 5, 7 + i];
    const operands = [
      int8Tensor('x', shape, Number(scaleA), Number(zeroA)),
      int8Tensor('b', shape, Number(scaleB), Number(zeroB)),
    ];
    const graph = opGraph(op, operands, { activation }, { scale: 0.07, zeroPoint: [-128, 3, 127, 0][i]! });
    return [graph, { ...graph, outputs: ['y', 'x', 'b'] }];
  }),
);
/** A second operand so fine that half steps of the common scale show in the output. */
const halves: readonly Graph[] = ['add', 'sub'].map((op) =>
  opGraph(
    op,
    [int8Tensor('x', [1, 2, 4, 9], 1, 0), int8Tensor('b', [1, 2, 4, 9], 2 ** -20, 0)],
    { activation: 'none' },
    { scale: 2 ** -18, zeroPoint: 0 },
  ),
);
const graphs = [...weighted, ...sums, ...halves];

/** Sets of inputs. */
const inputsOf = (graph: Graph): readonly (readonly Int8Array[])[] => {
  if (graph.inputs.length === 2) {
    const count = elementCount(graph.tensors.get('x')!.shape);
    const ends = [-128, 127].map((value) => new Int8Array(count).fill(value));
    const random = Array.from({ length: 12 }, () => [randomBytes(count), randomBytes(count)]);
    return [...random, ...ends.flatMap((a) => ends.map((b) => [a, b])), [new Int8Array(count), randomBytes(count)]];
  }
  return inputsOfLayer(graph).map((input) => [input]);
};
const inputsOfLayer = (graph: Graph): readonly Int8Array[] => {
  const count = elementCount(graph.tensors.get('x')!.shape);
  const weights = dataOf(graph.tensors.get('weights')!);
  const matched = Int8Array.from({ length: count }, (_, i) => (weights[i % weights.length]! < 0 ? -128 : 127));
  // Halves that must be rounded are rare: one output in a hundred and more.
  const random = Array.from({ length: 12 }, () => randomBytes(count));
  return [...random, new Int8Array(count).fill(-128), new Int8Array(count).fill(127), matched];
};

describe.each(Object.entries(families))('%s', (_name, { variant, platform, every, least, layers }) => {
  for (const optimize of ['speed', 'flash'] as const) {
    const choice: ChoiceOptions = { optimize, accept: (each) => variant.test(each.variant) };
    it.skipIf(!canRun(platform))(
      `computes what the reference computes, for ${optimize} (needs ${platform.compiler})`,
      () => {
        const chosen = ({ encoded, packed }[layers!] ?? graphs).filter(
          (graph, i) =>
            (i >> 1) % every === 0 &&
            variant.test(chooseImplementations(graph, platform.target, choice).implementations[0]!.variant),
        );
        expect(chosen.length).toBeGreaterThanOrEqual(2 * least);
        const models = chosen.map((graph, i) => ({ name: `op${i}`, graph }));
        const program = new CProgram(models, platform, { hooks: false, choice });
        try {
          const requests = chosen.flatMap((graph, model) => inputsOf(graph).map((inputs) => ({ model, inputs })));
          const answers = program.run(requests.map(({ model, inputs }) => ({ model, inputs: inputs.map(bytesOf) })));
          const wrong = requests.filter(({ model, inputs }, i) => {
            const expected = bytesOf(referenceOf(chosen[model]!, inputs)[0]!);
            return Buffer.compare(Buffer.from(answers[i]!.outputs[0]!), Buffer.from(expected)) !== 0;
          });
          expect(wrong.map(({ model }) => JSON.stringify(describeLayer(chosen[model]!)))).toEqual([]);
        } finally {
          program.close();
        }
      },
      300_000,
    );
  }
});

function describeLayer({ nodes, tensors, outputs }: Graph) {
  const [node] = nodes;
  const shapes = [...node!.inputs, ...node!.outputs].map((name) => name && tensors.get(name)!.shape);
  return { op: node!.op, attrs: node!.attrs, shapes, apart: outputs.length > 1 };
}
