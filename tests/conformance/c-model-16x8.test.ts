/**
 * Layers with 16-bit activations in C: random ones with all that kernels get wrong, over their input and apart from it,
 * with inputs at the ends of their type, against the reference; portable kernels and those for the DSP extension.
 */
import { describe, expect, it } from 'vitest';
import type { Core } from '../../src/core/board-spec.js';
import type { Graph } from '../../src/core/graph.js';
import { dataOf, elementCount } from '../../src/core/tensor.js';
import { opNamed } from '../../src/ops/index.js';
import { chooseImplementations } from '../../src/plan/choose-implementations.js';
import { bytesOf, CProgram, canRun, type Platform, platforms, strictFlags } from '../emulated-core/c-program.js';
import { randomBytes, referenceOf } from '../unit/ops/random-ops.js';
import { graphOf, type Layer, layerNode } from '../unit/ops/weighted-layer.js';
import { encodedLayers, packings, randomLayers } from './random-layers.js';

interface Family {
  readonly variant: RegExp;
  readonly platform: Platform;
  readonly every: number; // only each so-manieth of the layers below, where building takes long
  readonly least: number; // of those, how many it computes at least
  readonly layers?: 'packed'; // those with zeros and codebooks, for kernels over unpacked weights
}
const { sanitizers } = platforms;
const onHost = (target: Core): Platform => ({
  ...sanitizers,
  target,
  flags: [...sanitizers.flags, ...strictFlags, '-Wno-unused-function'],
});
/** Inline assembly depends on what the compiler does around it. */
const at = (level: string, platform: Platform): Platform => ({
  ...platform,
  flags: platform.flags.map((flag) => (flag === '-O2' ? level : flag)),
});
const families: Readonly<Record<string, Family>> = {
  'portable on cortex-m0plus': { variant: /^portable/, platform: platforms['cortex-m0plus'], every: 3, least: 12 },
  'portable on cortex-m55': { variant: /^portable/, platform: platforms['cortex-m55'], every: 4, least: 9 },
  'portable on rv32imc': { variant: /^portable/, platform: platforms.rv32imc, every: 4, least: 9 },
  'dsp16 on cortex-m4': { variant: /^dsp16/, platform: platforms['cortex-m4'], every: 1, least: 32 },
  'dsp16 on cortex-m4 at -Os': { variant: /^dsp16/, platform: at('-Os', platforms['cortex-m4']), every: 4, least: 7 },
  'dsp16 on cortex-m4 at -O3': { variant: /^dsp16/, platform: at('-O3', platforms['cortex-m4']), every: 4, least: 7 },
  'dsp16 here, without its instructions, under sanitizers': {
    variant: /^dsp16/,
    platform: onHost('cortex-m4'),
    every: 3,
    least: 10,
  },
  'unpacked on cortex-m4': {
    variant: /^dsp16.*_unpack_/,
    platform: platforms['cortex-m4'],
    every: 3,
    least: 5,
    layers: 'packed',
  },
  'unpacked here, under sanitizers': {
    variant: /^portable.*_unpack_/,
    platform: onHost('generic'),
    every: 3,
    least: 5,
    layers: 'packed',
  },
  'dsp16 here, as C++11': {
    variant: /^dsp16/,
    platform: { ...platforms.cplusplus, target: 'cortex-m4' },
    every: 4,
    least: 7,
  },
};

const inSixteenBits = ({ inputZeroPoint: _, outputZeroPoint: __, bias, ...layer }: Layer, i: number): Layer => ({
  ...layer,
  wide: 'int64',
  bias: bias !== undefined && bias !== false && i % 5 === 0 ? 2 ** 33 : (bias ?? 9000), // beyond int32
});

/** Over its input, and, because the input is an output of the model too, apart from it. */
const bothWays = (layers: readonly Layer[]): readonly Graph[] =>
  layers.flatMap((layer, i) => {
    const node = layerNode(inSixteenBits(layer, i), i + 1);
    if (opNamed(layer.op).checkQuant(node).length > 0) return []; // such a bias needs a large output scale
    const graph = graphOf(layer.op, node);
    return [graph, { ...graph, outputs: ['y', 'x'] }];
  });
const graphs = bothWays(randomLayers(72));
const packed = bothWays(encodedLayers(32, packings));

function inputsOf(graph: Graph): readonly Int16Array[] {
  const count = elementCount(graph.tensors.get('x')!.shape);
  const weights = dataOf(graph.tensors.get('weights')!);
  const matched = Int16Array.from({ length: count }, (_, i) => (weights[i % weights.length]! < 0 ? -32768 : 32767));
  const random = Array.from({ length: 4 }, () => new Int16Array(randomBytes(2 * count).buffer));
  return [...random, new Int16Array(count).fill(-32768), new Int16Array(count).fill(32767), matched];
}

describe.each(Object.entries(families))('%s', (_name, { variant, platform, every, least, layers }) => {
  const choice = { optimize: 'speed', accept: (each: { variant: string }) => variant.test(each.variant) } as const;
  it.skipIf(!canRun(platform))(
    `computes what the reference computes (needs ${platform.compiler})`,
    () => {
      const chosen = (layers === 'packed' ? packed : graphs).filter(
        (graph, i) =>
          (i >> 1) % every === 0 &&
          variant.test(chooseImplementations(graph, platform.target, choice).implementations[0]!.variant),
      );
      expect(chosen.length).toBeGreaterThanOrEqual(2 * least);
      const models = chosen.map((graph, i) => ({ name: `op${i}`, graph }));
      const program = new CProgram(models, platform, { hooks: false, choice });
      try {
        const requests = chosen.flatMap((graph, model) => inputsOf(graph).map((input) => ({ model, input })));
        const answers = program.run(requests.map(({ model, input }) => ({ model, inputs: [bytesOf(input)] })));
        const wrong = requests.filter(({ model, input }, i) => {
          const expected = bytesOf(referenceOf(chosen[model]!, [input])[0]!);
          return Buffer.compare(Buffer.from(answers[i]!.outputs[0]!), Buffer.from(expected)) !== 0;
        });
        expect(wrong.map(({ model }) => JSON.stringify(chosen[model]!.nodes[0]))).toEqual([]);
      } finally {
        program.close();
      }
    },
    300_000,
  );
});
