/** 16-bit activations: which tensors and nodes are wide, by which parameters, and what that brings. */
import { describe, expect, it } from 'vitest';
import type { ThimbleError } from '../../../src/core/errors.js';
import { type Graph, tensorOf } from '../../../src/core/graph.js';
import { quantizeValue } from '../../../src/core/real-to-int8.js';
import { createInterpreter } from '../../../src/interpret/interpreter.js';
import { fakeQuantEngine } from '../../../src/quantize/float-twin.js';
import { parsePlan } from '../../../src/quantize/plan.js';
import { quantizeGraph } from '../../../src/quantize/quantize-graph.js';
import { a16w8, namedRecipes, parseRecipe, type Recipe } from '../../../src/quantize/recipe.js';
import { constant, graphOf, ramp } from './graphs.js';

const conv = { padding: 'SAME', stride: [1, 1], dilation: [1, 1], activation: 'relu' };
const pool = { padding: 'VALID', stride: [2, 2], filter: [2, 2], activation: 'none' };
/** Two convolutions with a residual add, a pool, a flatten, classes. */
const network = graphOf(
  { x: [1, 4, 4, 1] },
  [
    constant('w1', [2, 1, 1, 1], [0.5, -2]),
    constant('b1', [2], [0.1, 3]),
    constant('w2', [2, 1, 1, 2], [1, 0.25, -0.5, 0.75]),
    constant('b2', [2], [0.3, -0.2]),
    constant('w3', [3, 8], ramp([24], -1, 1) as unknown as number[]),
  ],
  [
    ['a', 'conv_2d', ['x', 'w1', 'b1'], conv],
    ['b', 'conv_2d', ['a', 'w2', 'b2'], conv],
    ['c', 'add', ['a', 'b'], { activation: 'none' }],
    ['d', 'max_pool_2d', ['c'], pool],
    ['e', 'reshape', ['d'], { newShape: [1, 8] }],
    ['f', 'fully_connected', ['e', 'w3'], { activation: 'none', keepNumDims: false }],
    ['y', 'softmax', ['f'], { beta: 1 }],
  ],
);
const samples = [[ramp([16], -1, 3)], [ramp([16], -0.5, 2)]];
const wide = (layers: readonly string[]): Recipe => parseRecipe({ activations: { bits: 16, layers } });
const typesIn = (graph: Graph): Record<string, string> =>
  Object.fromEntries(graph.nodes.flatMap(({ outputs }) => outputs).map((name) => [name, tensorOf(graph, name).dtype]));

describe('the plan for 16-bit activations', () => {
  it('widens whatever has kernels, and leaves the ends of the model and softmax in 8 bits', async () => {
    const { int8 } = await quantizeGraph(network, samples, a16w8);
    expect(namedRecipes.get('a16w8')).toBe(a16w8);
    expect(tensorOf(int8, 'x').dtype).toBe('int8');
    const { y, f_requantized, ...others } = typesIn(int8);
    expect([y, f_requantized]).toEqual(['int8', 'int8']);
    expect(new Set(Object.values(others))).toEqual(new Set(['int16']));
    expect(int8.nodes.map(({ op }) => op)).toEqual(
      'quantize conv_2d conv_2d add max_pool_2d reshape fully_connected quantize softmax'.split(' '),
    );
  });

  it('takes symmetric ranges, an input in which every byte is exact, and biases of int64', async () => {
    const { int8, stats } = await quantizeGraph(network, samples, a16w8);
    const scaleOf = (name: string) => tensorOf(int8, name).quant!.scale[0]!;
    for (const name of ['a', 'b', 'f']) {
      const { min, max } = stats.tensors[name]!;
      expect(tensorOf(int8, name).quant).toEqual({
        scale: [Math.fround(Math.max(-min, max) / 32767)],
        zeroPoint: [0],
        axis: null,
      });
    }
    expect(scaleOf('x_requantized')).toBe(scaleOf('x') / 128);
    expect([scaleOf('d'), scaleOf('e')]).toEqual([scaleOf('c'), scaleOf('c')]); // moves have one scale
    const bias = tensorOf(int8, 'b2');
    expect(bias.dtype).toBe('int64');
    expect([...bias.data!]).toEqual(
      [0.3, -0.2].map((real, c) => Math.round(Math.fround(real) / bias.quant!.scale[c]!)),
    );
    const x = createInterpreter(int8).runAll([Int8Array.from({ length: 16 }, (_, i) => i * 17 - 128)]);
    const { zeroPoint } = tensorOf(int8, 'x').quant!;
    expect([...x.get('x_requantized')!]).toEqual([...x.get('x')!].map((q) => 128 * (q - zeroPoint[0]!)));
  });

  it('widens results of named layers: those who make and read them compute in 16 bits, moves follow, the rest stays', async () => {
    const { int8, plan } = await quantizeGraph(network, samples, wide(['c']));
    expect(typesIn(int8)).toEqual({
      a: 'int8',
      b: 'int8',
      a_requantized: 'int16',
      b_requantized: 'int16',
      c: 'int16',
      d: 'int16',
      e: 'int16',
      f_int16: 'int16',
      f: 'int8',
      y: 'int8',
    });
    expect(plan.results).toEqual([expect.objectContaining({ node: 'f', output: 0, dtype: 'int16', zeroPoint: [0] })]);
    const again = parsePlan(JSON.parse(JSON.stringify(plan)));
    expect(again).toEqual(plan);
  });

  it('narrows for a reader without a kernel, and for the model’s output', async () => {
    const open = { ...network, outputs: ['y', 'f'] };
    const { int8 } = await quantizeGraph(open, samples, a16w8);
    expect(typesIn(int8)).toMatchObject({ f_int16: 'int16', f: 'int8', e: 'int16' });
    expect(int8.outputs).toEqual(['y', 'f']);
  });

  it('says which layers a recipe may name', async () => {
    const refused = async (layers: readonly string[]): Promise<ThimbleError> =>
      quantizeGraph(network, samples, wide(layers)).then(
        () => Promise.reject(new Error('worked')),
        (error) => error,
      );
    expect(await refused(['nowhere', 'y', 'd'])).toMatchObject({
      code: 'E_RECIPE',
      message: expect.stringMatching(/no layer "nowhere"; "y" \(softmax\) cannot.*"d" \(max_pool_2d\) cannot/),
      hints: expect.arrayContaining([expect.stringMatching(/"a", "b", "c", "f"/)]),
    });
    expect(() => parseRecipe({ activations: { bits: 12 } })).toThrow(expect.objectContaining({ code: 'E_RECIPE' }));
  });

  it('carries on with layers that hardly give anything but 0: no result leaves int32', async () => {
    const dead = new Map(network.tensors).set('w2', constant('w2', [2, 1, 1, 2], [1e-9, 0, 0, 1e-9]));
    const silent = { ...network, tensors: new Map(dead).set('b2', constant('b2', [2], [0, 0])) };
    for (const recipe of [a16w8, wide(['b']), wide(['a']), wide(['f'])]) {
      const { int8 } = await quantizeGraph(silent, samples, recipe);
      expect(createInterpreter(int8).run([new Int8Array(16).fill(127)])[0]).toHaveLength(3);
    }
  });
});

describe('what 16 bits bring', () => {
  /** u = 100 a, v = ±0.3 b, and (u + v) − u: what is left of b when a large a has passed through the same tensor. */
  const difference = graphOf(
    { x: [1, 2] },
    [constant('wu', [2, 2], [100, 0, 100, 0]), constant('wv', [2, 2], [0, 0.3, 0, -0.3])],
    [
      ['u', 'fully_connected', ['x', 'wu'], { activation: 'none' }],
      ['v', 'fully_connected', ['x', 'wv'], { activation: 'none' }],
      ['h', 'add', ['u', 'v'], { activation: 'none' }],
      ['y', 'sub', ['h', 'u'], { activation: 'none' }],
    ],
  );
  const inputs = Array.from({ length: 64 }, (_, i) =>
    Float32Array.of(Math.sin(i * 1.7), (i % 2 ? 1 : -1) * (0.2 + (i % 13) / 16)),
  );
  const hits = async (recipe: Recipe): Promise<number> => {
    const { int8 } = await quantizeGraph(
      difference,
      inputs.map((x) => [x]),
      recipe,
    );
    const { scale, zeroPoint } = tensorOf(int8, 'x').quant!;
    const integers = createInterpreter(int8);
    const fake = fakeQuantEngine(int8);
    let right = 0;
    for (const x of inputs) {
      const bytes = Int8Array.from(x, (value) => quantizeValue(value, scale[0]!, zeroPoint[0]!));
      const [y] = integers.run([bytes]);
      const [faked] = await fake.run([bytes]);
      expect(Math.abs(y![0]! - faked![0]!)).toBeLessThanOrEqual(2);
      if (y![0]! > y![1]! === x[1]! > 0) right++;
    }
    return right;
  };

  it('a network that int8 ruins whatever the refinement is right again, with one layer widened', async () => {
    for (const name of ['a8w8', 'a8w8-mse', 'a8w8-adaround', 'a8w8-bias'])
      expect(await hits(namedRecipes.get(name)!), name).toBeLessThan(52);
    expect(await hits(wide(['h']))).toBe(64);
    expect(await hits(a16w8)).toBe(64);
  });
});
