import { describe, expect, it } from 'vitest';
import type { ThimbleError } from '../../../src/core/errors.js';
import { type Graph, tensorOf } from '../../../src/core/graph.js';
import { quantizeValue } from '../../../src/core/real-to-int8.js';
import { emitTflite } from '../../../src/emit/tflite.js';
import { tfliteRuntimeEngine } from '../../../src/engines/tflite-runtime.js';
import { createInterpreter } from '../../../src/interpret/interpreter.js';
import { ops } from '../../../src/ops/index.js';
import { applyPlan } from '../../../src/quantize/apply-plan.js';
import { calibrate } from '../../../src/quantize/calibrate.js';
import { parsePlan, planQuantization, type QuantizationPlan } from '../../../src/quantize/plan.js';
import { a8w8, parseRecipe, type Recipe } from '../../../src/quantize/recipe.js';
import { constant, graphOf, ramp } from './graphs.js';

const conv = { padding: 'VALID', stride: [1, 1], dilation: [1, 1], activation: 'none' };

async function quantize(graph: Graph, samples: readonly Float32Array[][], recipe: Recipe = a8w8) {
  const plan = planQuantization(graph, await calibrate(graph, samples), recipe);
  return { plan, graph: applyPlan(graph, plan) };
}

/** Runs an int8 graph on real inputs; real outputs. */
function runReal(graph: Graph, inputs: readonly Float32Array[]): readonly number[][] {
  const integers = graph.inputs.map((name, i) => {
    const { scale, zeroPoint } = quantOf(graph, name);
    return Int8Array.from(inputs[i]!, (x) => quantizeValue(x, scale[0]!, zeroPoint[0]!));
  });
  const results = createInterpreter(graph).run(integers);
  return graph.outputs.map((name, i) => {
    const { scale, zeroPoint } = tensorOf(graph, name).quant!;
    return Array.from(results[i]!, (q) => scale[0]! * (q - zeroPoint[0]!));
  });
}

const quantOf = (graph: Graph, name: string) => tensorOf(graph, name).quant!;
const failureOf = async (work: Promise<unknown>): Promise<ThimbleError> =>
  work.then(
    () => Promise.reject(new Error('worked')),
    (error) => error,
  );

describe('the plan', () => {
  const weights = constant('w', [2, 1, 1, 2], [0.5, -0.25, 100, 30]);
  const bias = constant('b', [2], [0.1, -20]);
  const graph = graphOf({ x: [1, 2, 2, 2] }, [weights, bias], [['y', 'conv_2d', ['x', 'w', 'b'], conv]]);
  const samples = [[ramp([8], -1, 3)]];

  it('follows the 8-bit specification: weights per channel on ±127, bias at input · weight scale, 0 exact', async () => {
    const { graph: int8 } = await quantize(graph, samples);
    const [x, w, b] = ['x', 'w', 'b'].map((name) => quantOf(int8, name));
    expect(x).toEqual({ scale: [Math.fround(4 / 255)], zeroPoint: [-64], axis: null });
    expect(w).toEqual({ scale: [0.5 / 127, 100 / 127].map(Math.fround), zeroPoint: [0, 0], axis: 0 });
    expect([...tensorOf(int8, 'w').data!]).toEqual([127, -63 - 1, 127, 38]);
    expect(b!.scale).toEqual(w!.scale.map((scale) => Math.fround(scale * x!.scale[0]!)));
    expect(tensorOf(int8, 'b').dtype).toBe('int32');
    expect([...tensorOf(int8, 'b').data!]).toEqual(
      [0.1, -20].map((real, i) => Math.round(Math.fround(real) / b!.scale[i]!)),
    );
  });

  it('gives one weight scale where the recipe says per-tensor', async () => {
    const { graph: int8 } = await quantize(graph, samples, parseRecipe({ weights: { granularity: 'per-tensor' } }));
    expect(quantOf(int8, 'w')).toEqual({ scale: [Math.fround(100 / 127)], zeroPoint: [0], axis: null });
  });

  it('is plain JSON that does the same when read back, and says why', async () => {
    const { plan, graph: int8 } = await quantize(graph, samples);
    const again = parsePlan(JSON.parse(JSON.stringify(plan)));
    expect(again).toEqual(plan);
    expect(applyPlan(graph, again)).toEqual(int8);
    expect(plan.tensors['x']?.why).toMatch(/min-max of calibration/);
    expect(plan.tensors['w']?.why).toMatch(/per channel of axis 0/);
  });

  it('is refused where it is damaged, of another model, or impossible to run', async () => {
    const { plan } = await quantize(graph, samples);
    const other = graphOf({ z: [1, 4] }, [], [['y', 'relu', ['z']]]);
    const change = (name: string, part: Partial<QuantizationPlan['tensors'][string]>): QuantizationPlan => ({
      ...plan,
      tensors: { ...plan.tensors, [name]: { ...plan.tensors[name]!, ...part } },
    });
    const attempts = [
      () => applyPlan(other, plan),
      () => applyPlan(graph, change('w', { scale: [1] })),
      () => applyPlan(graph, change('x', { scale: [0.1] })), // no float32
      () => applyPlan(graph, change('y', { scale: [2 ** -40] })),
      () => parsePlan({ ...plan, version: 2 }),
      () => parsePlan('x'),
    ];
    for (const attempt of attempts) expect(attempt).toThrow(expect.objectContaining({ code: 'E_QUANT' }));
  });

  it('knows a rule for every operator but quantize, dequantize and svdf', () => {
    const without = ops.filter(({ quantization }) => quantization === null).map(({ name }) => name);
    expect(without.sort()).toEqual(['dequantize', 'quantize', 'svdf']);
  });
});

describe('operators that share or fix their parameters', () => {
  it('softmax, logistic and tanh have the parameters of the specification', async () => {
    const graph = graphOf(
      { x: [1, 4] },
      [],
      [
        ['p', 'softmax', ['x'], { beta: 1 }],
        ['l', 'logistic', ['x']],
        ['t', 'tanh', ['x']],
      ],
      ['p', 'l', 't'],
    );
    const { graph: int8 } = await quantize(graph, [[ramp([4], -2, 2)]]);
    expect(['p', 'l', 't'].map((name) => [quantOf(int8, name).scale[0], quantOf(int8, name).zeroPoint[0]])).toEqual([
      [1 / 256, -128],
      [1 / 256, -128],
      [1 / 128, 0],
    ]);
  });

  it('a concatenation widens branches that nobody else reads, and requantizes the others', async () => {
    const scale = constant('s', [1], [0.25]);
    const graph = graphOf(
      { x: [1, 4] },
      [scale],
      [
        ['small', 'mul', ['x', 's'], { activation: 'none' }],
        ['positive', 'relu', ['x']],
        ['both', 'concatenation', ['small', 'positive', 'x'], { axis: 1, activation: 'none' }],
        ['used', 'relu', ['positive']],
      ],
      ['both', 'used'],
    );
    const input = ramp([4], -4, 8);
    const { graph: int8, plan } = await quantize(graph, [[input]]);
    expect(quantOf(int8, 'small')).toEqual(quantOf(int8, 'both'));
    expect(quantOf(int8, 'positive')).not.toEqual(quantOf(int8, 'both'));
    expect(plan.requantize.map(({ node, input }) => [node, input])).toEqual([['both', 1]]);
    expect(int8.nodes.map(({ op }) => op)).toEqual(['mul', 'relu', 'quantize', 'concatenation', 'relu']);
    const expected = [...input.map((v) => v / 4), ...input.map((v) => Math.max(v, 0)), ...input];
    const step = quantOf(int8, 'both').scale[0]!;
    const errors = runReal(int8, [input])[0]!.map((value, i) => Math.abs(value - expected[i]!));
    expect(Math.max(...errors)).toBeLessThan(1.01 * step);
  });

  it('a fixed output keeps its parameters where it meets a wider branch', async () => {
    const graph = graphOf(
      { x: [1, 4] },
      [],
      [
        ['p', 'softmax', ['x'], { beta: 1 }],
        ['r', 'relu', ['x']],
        ['both', 'concatenation', ['p', 'r'], { axis: 1, activation: 'none' }],
      ],
    );
    const { graph: int8, plan } = await quantize(graph, [[ramp([4], 0, 40)]]);
    expect(quantOf(int8, 'p').scale).toEqual([1 / 256]);
    expect(plan.requantize.map(({ node, input }) => [node, input])).toEqual([['both', 0]]);
    expect(runReal(int8, [ramp([4], 0, 40)])[0]!.at(-1)).toBeCloseTo(40, 0);
  });

  it('two fixed outputs of one kind stay as they are', async () => {
    const graph = graphOf(
      { x: [1, 4] },
      [],
      [
        ['p', 'softmax', ['x'], { beta: 1 }],
        ['l', 'logistic', ['x']],
        ['both', 'concatenation', ['p', 'l'], { axis: 1, activation: 'none' }],
      ],
    );
    const { graph: int8, plan } = await quantize(graph, [[ramp([4], 0, 4)]]);
    expect(quantOf(int8, 'both')).toEqual({ scale: [1 / 256], zeroPoint: [-128], axis: null });
    expect(plan.requantize).toEqual([]);
  });
});

describe('degenerate ranges', () => {
  it('a channel of zeros keeps its bias, constants keep their value, dead outputs stay 0', async () => {
    const graph = graphOf(
      { x: [1, 1, 1, 2] },
      [constant('w', [3, 1, 1, 2], [0, 0, 1, 1, -1, -1]), constant('b', [3], [0.7, 0, -5])],
      [
        ['y', 'conv_2d', ['x', 'w', 'b'], { ...conv, activation: 'relu' }],
        ['dead', 'mul', ['y', 'y'], { activation: 'none' }],
      ],
      ['y', 'dead'],
    );
    const input = Float32Array.of(0.5, 1);
    const { graph: int8 } = await quantize(graph, [[input]]);
    const [y] = runReal(int8, [input]);
    for (const [i, expected] of [0.7, 1.5, 0].entries()) expect(y![i]).toBeCloseTo(expected, 1);
  });

  it('an input that is always 0 works', async () => {
    const graph = graphOf({ x: [1, 4] }, [], [['y', 'relu', ['x']]]);
    const { graph: int8 } = await quantize(graph, [[new Float32Array(4)]]);
    expect(runReal(int8, [new Float32Array(4)])[0]).toEqual([0, 0, 0, 0]);
  });

  it('a bias far beyond its weights widens the weight scale instead of leaving int32', async () => {
    const graph = graphOf(
      { x: [1, 1, 1, 1] },
      [constant('w', [1, 1, 1, 1], [1e-9]), constant('b', [1], [1000])],
      [['y', 'conv_2d', ['x', 'w', 'b'], conv]],
    );
    const { graph: int8 } = await quantize(graph, [[Float32Array.of(1)]]);
    expect(Math.abs(tensorOf(int8, 'b').data![0]!)).toBeLessThanOrEqual(2 ** 29 + 256);
    expect(runReal(int8, [Float32Array.of(1)])[0]![0]).toBeCloseTo(1000, 0);
  });

  it('a convolution without bias gets one of zeros, without which older TFLite runtimes refuse it', async () => {
    const weights = [constant('w', [1, 1, 1, 1], [2]), constant('v', [1, 1, 1, 1], [-1])];
    const graph = graphOf({ x: [1, 2, 1, 1] }, weights, [
      ['y', 'conv_2d', ['x', 'w'], conv],
      ['z', 'depthwise_conv_2d', ['y', 'v', null], { ...conv, depthMultiplier: 1 }],
    ]);
    const { graph: int8 } = await quantize(graph, [[Float32Array.of(1, 3)]]);
    expect(int8.nodes.map(({ inputs }) => inputs.length)).toEqual([3, 3]);
    const engine = await tfliteRuntimeEngine(emitTflite(int8));
    const input = Int8Array.of(-128, 127);
    expect(await engine.run([input])).toEqual(createInterpreter(int8).run([input]));
    await engine.close();
  });

  it('two layers that share a bias get it in two units', async () => {
    const graph = graphOf(
      { x: [1, 1, 1, 1] },
      [constant('w', [1, 1, 1, 1], [2]), constant('b', [1], [0.5])],
      [
        ['y', 'conv_2d', ['x', 'w', 'b'], conv],
        ['z', 'conv_2d', ['y', 'w', 'b'], conv],
      ],
    );
    const { graph: int8 } = await quantize(graph, [[Float32Array.of(3)]]);
    expect(quantOf(int8, 'b').scale).not.toEqual(quantOf(int8, 'b_2').scale);
    expect(runReal(int8, [Float32Array.of(3)])[0]![0]).toBeCloseTo(13.5, 0);
  });
});

describe('bad input', () => {
  const graph = graphOf({ x: [1, 4] }, [], [['y', 'relu', ['x']]]);

  it('no samples, wrong sizes and NaN are told apart', async () => {
    const codes = await Promise.all(
      [
        [],
        [[new Float32Array(3)]],
        [[]],
        [[Float32Array.of(1, 2, Number.NaN, 4)]],
        [[Float32Array.of(1, 2, Infinity, 4)]],
      ].map(async (samples) => (await failureOf(calibrate(graph, samples))).code),
    );
    expect(codes).toEqual(['E_DATA_EMPTY', 'E_DATA_SHAPE', 'E_DATA_SHAPE', 'E_NOT_FINITE', 'E_NOT_FINITE']);
  });

  it('values that overflow inside the model are found', async () => {
    const big = graphOf(
      { x: [1, 1] },
      [constant('c', [1], [3e38])],
      [['y', 'mul', ['x', 'c'], { activation: 'none' }]],
    );
    expect(await failureOf(calibrate(big, [[Float32Array.of(3e38)]]))).toMatchObject({
      code: 'E_NOT_FINITE',
      message: expect.stringContaining('"y"'),
    });
  });

  it('NaN weights, integer models and operators without a rule are refused', async () => {
    const stats = { sampleCount: 1, tensors: {} };
    const nan = graphOf(
      { x: [1, 1] },
      [constant('c', [1], [Number.NaN])],
      [['y', 'mul', ['x', 'c'], { activation: 'none' }]],
    );
    const { graph: int8 } = await quantize(graph, [[ramp([4], 0, 1)]]);
    const dequantized = graphOf({ x: [1, 4] }, [], [['y', 'quantize', ['x']]]);
    expect(() => planQuantization(nan, stats, a8w8)).toThrow(expect.objectContaining({ code: 'E_NOT_FINITE' }));
    expect(() => planQuantization(int8, stats, a8w8)).toThrow(expect.objectContaining({ code: 'E_UNSUPPORTED_MODEL' }));
    expect(() => planQuantization(dequantized, stats, a8w8)).toThrow(
      expect.objectContaining({ code: 'E_UNSUPPORTED_OP' }),
    );
    expect(() => planQuantization(graph, stats, a8w8)).toThrow(expect.objectContaining({ code: 'E_QUANT' }));
  });

  it('a recipe with unknown keys or values is refused with their paths', () => {
    expect(() => parseRecipe({ wieghts: {} })).toThrow(/wieghts/);
    expect(() => parseRecipe({ activations: { calibrator: 'magic' } })).toThrow(/\$\.activations\.calibrator/);
    expect(parseRecipe({})).toEqual(a8w8);
  });
});
