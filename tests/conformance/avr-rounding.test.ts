/**
 * From sum to output on AVR, for scales that make halves frequent, sums near the proved bound and every count of shifts:
 * random layers reach these too seldom to notice a wrong rounding.
 */
import { describe, expect, it } from 'vitest';
import type { Graph } from '../../src/core/graph.js';
import type { Tensor } from '../../src/core/tensor.js';
import { chooseImplementations } from '../../src/plan/choose-implementations.js';
import { bytesOf, CProgram, canRun, type Platform, platforms } from '../emulated-core/c-program.js';
import { referenceOf } from '../unit/ops/random-ops.js';

const ROWS = 64; // at a time: 64 KB of RAM hold no more
const inputs = [-128, -64, 0, 64].map((first) => Int8Array.from({ length: ROWS }, (_, i) => first + i));
/** Scale, weight and bias of each unit. A scale of 2^-k shifts by k - 1. */
type Unit = readonly [scale: number, weight: number, bias: number];
const allUnits: readonly Unit[] = [
  ...Array.from({ length: 16 }, (_, k) => [2 ** -(k + 2), 127 - 2 * k, 0] as const),
  ...Array.from({ length: 16 }, (_, k) => [2 ** -(k + 2), -1 - k, (k % 2 ? 1 : -1) * 2 ** (k + 3)] as const),
  ...Array.from({ length: 16 }, (_, k) => [0.47 / 1.9 ** k, 128 - 17 * k, 1000 * k - 7000] as const),
  [2 ** -15, -128, 8_360_000],
  [2 ** -16, 127, -8_360_000],
  [3 * 2 ** -17, -127, -8_360_000],
];

function layer(units: readonly Unit[], zeroPoint: number, outputZeroPoint: number, activation: string): Graph {
  const tensors: Tensor[] = [
    { name: 'x', shape: [ROWS, 1], dtype: 'int8', quant: { scale: [1], zeroPoint: [zeroPoint], axis: null } },
    {
      ...{ name: 'w', shape: [units.length, 1], dtype: 'int8' },
      data: Int8Array.from(units, ([, weight]) => weight),
      quant: { scale: units.map(([scale]) => Math.fround(scale)), zeroPoint: units.map(() => 0), axis: 0 },
    },
    { name: 'b', shape: [units.length], dtype: 'int32', data: Int32Array.from(units, ([, , bias]) => bias) },
    {
      ...{ name: 'y', shape: [ROWS, units.length], dtype: 'int8' },
      quant: { scale: [1], zeroPoint: [outputZeroPoint], axis: null },
    },
  ];
  return {
    name: 'halves',
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
    nodes: [
      {
        ...{ name: 'y', op: 'fully_connected', inputs: ['x', 'w', 'b'], outputs: ['y'] },
        attrs: { activation, keepNumDims: false },
      },
    ],
    inputs: ['x'],
    outputs: ['y'],
  };
}

const layersOf = (units: readonly Unit[]): readonly Graph[] => [
  layer(units, 0, 0, 'none'),
  layer(units, -3, 5, 'none'),
  layer(units, 0, -128, 'relu'),
  layer(units, 2, -100, 'relu6'),
];
const tried: Readonly<Record<string, Platform>> = {
  'on avr': platforms.avr,
  'here, under sanitizers': { ...platforms.sanitizers, target: 'avr' },
};

/** What each family is proved for. */
const families = {
  avr: allUnits.filter(([scale, , bias]) => scale >= 2 ** -11 && Math.abs(bias) <= 2 ** 18),
  avr_rows: allUnits,
} as const;
type Family = keyof typeof families;

/** Outputs that differ from the reference, a few of them in words. @param edit breaks a kernel on purpose */
function differences(
  family: Family,
  platform: Platform,
  edit?: (path: string, content: string) => string,
): readonly string[] {
  const accept = ({ variant }: { readonly variant: string }): boolean => variant === family;
  const units = families[family];
  const graphs = layersOf(units);
  for (const graph of graphs)
    expect(chooseImplementations(graph, 'avr', { accept }).implementations[0]!.variant).toBe(family);
  const models = graphs.map((graph, i) => ({ name: `layer${i}`, graph }));
  const program = new CProgram(models, platform, { hooks: false, choice: { accept }, ...(edit && { edit }) });
  try {
    const tries = graphs.flatMap((graph, model) => inputs.map((input) => ({ graph, model, input })));
    const answers = program.run(tries.map(({ model, input }) => ({ model, inputs: [bytesOf(input)] })));
    return tries.flatMap(({ graph, model, input }, i) => {
      const expected = referenceOf(graph, [input])[0]!;
      const got = new Int8Array(answers[i]!.outputs[0]!);
      return [...got].flatMap((value, k) =>
        value === expected[k]
          ? []
          : `layer ${model}, unit ${k % units.length}, input ${input[Math.floor(k / units.length)]}: ${value}, not ${expected[k]}`,
      );
    });
  } finally {
    program.close();
  }
}

describe.each(Object.entries(tried))('rounding of the kernels for AVR, %s', (_, platform) => {
  it.skipIf(!canRun(platform)).each(Object.keys(families) as Family[])(
    `%s equals the reference (needs ${platform.compiler})`,
    (family) => {
      expect(differences(family, platform).slice(0, 3)).toEqual([]);
    },
  );
});

it.skipIf(!canRun(platforms.avr))('halves of negative sums are among what is tried', () => {
  const broken = differences('avr_rows', platforms.avr, (_, text) =>
    text.replace('        result--;', '        result += 0;'),
  );
  expect(broken.length).toBeGreaterThan(10);
});
