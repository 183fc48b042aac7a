import { describe, expect, it } from 'vitest';
import { tensorOf } from '../../../src/core/graph.js';
import { arrayTypeOf } from '../../../src/core/tensor.js';
import { granularityLosses } from '../../../src/evaluate/granularity.js';
import { integerMath } from '../../../src/evaluate/integer-math.js';
import { layerMath, placeOf } from '../../../src/evaluate/layer-math.js';
import { createInterpreter } from '../../../src/interpret/interpreter.js';
import { opNamed } from '../../../src/ops/index.js';
import { operandsOf } from '../../../src/ops/op.js';
import { quantizeGraph } from '../../../src/quantize/quantize-graph.js';
import { parseRecipe } from '../../../src/quantize/recipe.js';
import { goldenModel, goldenOps } from '../../conformance/golden-files.js';
import { randomLayers } from '../../conformance/random-layers.js';
import { withoutShared } from '../../shared-folder.js';
import { defineInteger, layerNode } from '../ops/weighted-layer.js';
import { constant, graphOf } from '../quantize/graphs.js';

describe('an int8 byte by hand', () => {
  it('is the definition’s, in every output of layers with all that goes wrong in a window', () => {
    let bytes = 0;
    for (const [seed, layer] of randomLayers(150).entries()) {
      const node = layerNode(layer, seed);
      const expected = defineInteger(layer.op, node);
      const found = Int8Array.from(expected, (_, i) => integerMath(layer.op, node, i).requantize.integer);
      expect(found, `${seed}: ${JSON.stringify(layer)}`).toEqual(expected);
      bytes += found.length;
    }
    expect(bytes).toBeGreaterThan(15_000);
  });

  it.skipIf(withoutShared)('is TensorFlow Lite Micro’s, in layers of the keyword spotter (needs ../shared)', () => {
    const { graph, runs } = goldenModel('kws_ref_model');
    const { inputs, layers } = runs[0]!;
    let offset = 0;
    const values = createInterpreter(graph).runAll([Int8Array.from(inputs[0]!)]); // the inputs of each layer
    let compared = 0;
    for (const node of graph.nodes) {
      const count = values.get(node.outputs[0]!)!.length;
      const golden = new Int8Array(Uint8Array.from(layers!.subarray(offset, (offset += count))).buffer);
      if (!opNamed(node.op).terms) continue;
      for (let i = 0; i < count; i += 37, compared++)
        expect(integerMath(node.op, operandsOf(graph, node, values), i).requantize.integer, node.name).toBe(golden[i]);
    }
    expect(compared).toBeGreaterThan(1500);
  });
});

describe.skipIf(withoutShared)('a layer of its own by hand (needs ../shared)', () => {
  it.each(['int8', 'int16'] as const)('is TensorFlow Lite Micro’s in %s', (dtype) => {
    let outputs = 0;
    for (const { name, graph, runs } of goldenOps().models) {
      const [node] = graph.nodes;
      const inputType = tensorOf(graph, graph.inputs[0]!).dtype;
      if (graph.nodes.length > 1 || inputType !== dtype || !opNamed(node!.op).terms) continue;
      for (const { label, inputs, outputs: golden } of runs) {
        const typed = (bytes: Uint8Array) => new arrayTypeOf[dtype](Uint8Array.from(bytes).buffer);
        const values = new Map([[graph.inputs[0]!, typed(inputs[0]!)]]);
        const expected = typed(golden[0]!);
        const operands = operandsOf(graph, node!, values);
        const found = expected.map((_, i) => integerMath(node!.op, operands, i).requantize.integer);
        expect(found, `${name} ${label}`).toEqual(expected);
        outputs += expected.length;
      }
    }
    expect(outputs).toBeGreaterThan(1000);
  });
});

/** 2 inputs → 2 outputs, easy to do on paper; channel 1 has weights a hundred times as large. */
const paper = graphOf(
  { x: [1, 2] },
  [constant('w', [2, 2], [1.27, -0.5, 127, 50]), constant('b', [2], [0.25, -1])],
  [
    ['y', 'fully_connected', ['x', 'w', 'b'], { activation: 'none', keepNumDims: false }],
    ['p', 'softmax', ['y'], { beta: 1 }],
  ],
);
const samples = [[Float32Array.of(0, 2.55)], [Float32Array.of(1, 0)]];

describe('a layer worked out', () => {
  const perChannel = parseRecipe({ weights: { fullyConnected: 'per-channel' } });

  it('has the numbers that paper and pencil give', async () => {
    const quantized = await quantizeGraph(paper, samples, perChannel);
    const { input, output, example } = layerMath({ ...quantized, recipe: perChannel, sample: samples[1]! }, 'y', [0]);
    // 0 … 2.55 in 255 steps of 0.01, 0 at −128.
    expect(input).toMatchObject({ seen: { min: 0, max: Math.fround(2.55) }, zeroPoint: -128, zeroPointExact: -128 });
    expect(input.scale).toBeCloseTo(0.01, 8);
    // y runs from 127.5 − 1 = 126.5 … and −1.275 + 0.25: 0 has to be inside, so −1.025 … 126.5.
    expect(output.chosen!.min).toBeCloseTo(-1.025, 5);
    expect(output.chosen!.max).toBeCloseTo(126.5, 4);
    expect(output.scale).toBeCloseTo(127.525 / 255, 6);
    expect(output.zeroPoint).toBe(Math.round(-128 + 1.025 / 0.5001));
    // x = (1, 0): 1.27 is 127 steps of 0.01, 1 is 100 steps; the bias 0.25 is 2500 steps of 0.01 · 0.01.
    expect(example).toMatchObject({ sum: 12700, bias: 2500, accumulator: 15200, channel: 0, at: [0] });
    expect(example!.weight).toMatchObject({ index: 0, integer: 127, shares: 'the channel' });
    expect(example!.activation).toMatchObject({ index: 0, integer: -28, computed: -28 });
    // 15200 · 0.0001 = 1.52 = 3.04 steps of 0.5001, so 3 above the zero_point.
    expect(example!.requantize).toMatchObject({ rounds: 'twice', scaled: 3, integer: output.zeroPoint + 3 });
    expect(example!.reference).toBe(example!.requantize.integer);
    expect(example!.float).toBeCloseTo(1.52, 6);
  });

  it('chooses an output that no clamp has cut off, and tells places from elements', async () => {
    const quantized = await quantizeGraph(paper, samples, perChannel);
    const sample = [Float32Array.of(0.5, 1)];
    const { example } = layerMath({ ...quantized, recipe: perChannel, sample }, 'y');
    const { unclamped, min, max } = example!.requantize;
    expect(unclamped > min && unclamped < max).toBe(true);
    expect(placeOf([1, 3, 4, 5], 2 * 20 + 1 * 5 + 3)).toEqual([2, 1, 3]);
  });

  it('works a layer with 16-bit activations out as well', async () => {
    const recipe = parseRecipe({ activations: { bits: 16 }, weights: { fullyConnected: 'per-channel' } });
    const chain = graphOf(
      { x: [1, 2] },
      [constant('w', [2, 2], [1.27, -0.5, 127, 50]), constant('v', [2, 2], [1, 2, 3, 4])],
      [
        ['y', 'fully_connected', ['x', 'w', null], { activation: 'none', keepNumDims: false }],
        ['z', 'fully_connected', ['y', 'v', null], { activation: 'none', keepNumDims: false }],
      ],
    );
    const quantized = await quantizeGraph(chain, samples, recipe);
    const { input, example } = layerMath({ ...quantized, recipe, sample: [Float32Array.of(0.5, 1)] }, 'z');
    expect(input).toMatchObject({ dtype: 'int16', zeroPoint: 0, zeroPointExact: null });
    expect(input.scale).toBeCloseTo(127.5 / 32767, 5);
    expect(example!.requantize.rounds).toBe('once');
    expect(example!.reference).toBe(example!.requantize.integer);
  });

  it('says where another layer’s ranges come from, and that it has no accumulator', async () => {
    const quantized = await quantizeGraph(paper, samples, perChannel);
    const math = layerMath({ ...quantized, recipe: perChannel, sample: samples[0]! }, 'p');
    expect(math).toMatchObject({ op: 'softmax', example: null });
    expect(math.output).toMatchObject({ chosen: null, zeroPointExact: null, scale: 1 / 256, zeroPoint: -128 });
    expect(math.output.why).toContain('fixed by the operator');
  });

  it.each([
    ['w', undefined, /no layer "w"/],
    ['y', [2], /there is no \[2\]/],
    ['y', [0, 0], /is \[2\]/],
    ['y', [-1], /there is no \[-1\]/],
  ] as const)('refuses the layer %s at %s', async (layer, at, message) => {
    const quantized = await quantizeGraph(paper, samples, perChannel);
    const run = () => layerMath({ ...quantized, recipe: perChannel, sample: samples[0]! }, layer, at);
    expect(run).toThrow(expect.objectContaining({ code: 'E_USAGE', message: expect.stringMatching(message) }));
  });

  it('shows what one scale for all channels loses: 40 dB in a channel a hundred times as small', async () => {
    const { stats } = await quantizeGraph(paper, samples, perChannel);
    const [tensor, channel] = granularityLosses(paper, stats, perChannel, 'y', samples);
    expect([tensor!.scales, channel!.scales]).toEqual([1, 2]);
    expect(tensor!.worstChannel.channel).toBe(0);
    // With steps of 1, 1.27 becomes 1 and −0.5 becomes −1 (ties away from zero).
    const [signal, noise] = [1.27 ** 2 + 0.5 ** 2, 0.27 ** 2 + 0.5 ** 2];
    expect(tensor!.worstChannel.sqnrDb).toBeCloseTo(10 * Math.log10(signal / noise), 4);
    expect(channel!.worstChannel.sqnrDb).toBeGreaterThan(100); // 127 and 50 steps, but for float32
  });
});
