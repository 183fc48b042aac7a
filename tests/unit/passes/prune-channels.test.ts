import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ThimbleError } from '../../../src/core/errors.js';
import { checkGraph, type Graph, tensorOf } from '../../../src/core/graph.js';
import { createInterpreter } from '../../../src/interpret/interpreter.js';
import { macsOf, type PruneBudget, type PruneOptions, pruneChannels } from '../../../src/passes/prune-channels.js';
import { randomValues, SampleGraph } from '../train/sample-graphs.js';

const none = { activation: 'none' };

/** Everything that channels may run through: depthwise, pools, pad, batch norm, activations, flatten, hidden layers. */
function sequential(channels: number, multiplier: number): Graph {
  const g = new SampleGraph([1, 9, 9, 2]);
  let x = g.conv(g.input, [channels, 3, 3, 2], { stride: [2, 2] });
  x = g.node('mul', [x, g.floats([channels])], none);
  x = g.node('relu6', [x]);
  x = g.depthwise(x, [1, 3, 3, channels * multiplier], multiplier);
  x = g.node('pad', [x, g.ints([0, 0, 1, 0, 0, 1, 0, 0], [4, 2])]);
  x = g.pool('max_pool_2d', x);
  x = g.conv(x, [6, 3, 3, channels * multiplier], { activation: 'none' });
  x = g.node('leaky_relu', [x], { alpha: 0.25 });
  x = g.pool('average_pool_2d', x, { stride: [1, 1], padding: 'SAME' });
  x = g.reshape(x, [1, 54]);
  x = g.dense(x, [5, 54], 'relu');
  return g.build(g.node('softmax', [g.dense(x, [4, 5])], { beta: 1 }));
}

/** The graph with the weights and biases of the given output channels set to 0, depthwise layers behind included. */
function silenced(graph: Graph, dead: ReadonlyMap<string, readonly number[]>): Graph {
  const tensors = new Map(graph.tensors);
  for (const node of graph.nodes) {
    const channels = dead.get(node.name) ?? [];
    for (const name of node.inputs.slice(1, 3)) {
      if (channels.length === 0) continue;
      const tensor = tensors.get(name!)!;
      const perChannel = tensor.data!.length / tensor.shape[0]!;
      tensors.set(name!, {
        ...tensor,
        data: (tensor.data as Float32Array).map((w, i) => (channels.includes(Math.floor(i / perChannel)) ? 0 : w)),
      });
    }
  }
  return { ...graph, tensors };
}

/** A depthwise bias would make a silent channel speak again. */
function withoutDepthwiseBias(graph: Graph): Graph {
  const tensors = new Map(graph.tensors);
  for (const node of graph.nodes) {
    if (node.op !== 'depthwise_conv_2d') continue;
    const bias = tensors.get(node.inputs[2]!)!;
    tensors.set(bias.name, { ...bias, data: new Float32Array(bias.data!.length) });
  }
  return { ...graph, tensors };
}

function outputOf(graph: Graph, seed: number): Float32Array {
  const input = tensorOf(graph, graph.inputs[0]!);
  return createInterpreter(checkGraph(graph)).run([randomValues(input.shape, seed)])[0] as Float32Array;
}

function expectSameFunction(a: Graph, b: Graph): void {
  for (const seed of [1, 2]) {
    const [x, y] = [outputOf(a, seed), outputOf(b, seed)];
    expect(y.length).toBe(x.length);
    x.forEach((value, i) => {
      expect(Math.abs(value - y[i]!)).toBeLessThanOrEqual(1e-5);
    });
  }
}

describe('pruning channels', () => {
  it('that are silent changes nothing that the model computes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 9 }),
        fc.integer({ min: 1, max: 2 }),
        fc.nat(),
        (channels, multiplier, pick) => {
          const graph = withoutDepthwiseBias(sequential(channels, multiplier));
          const layers = graph.nodes.filter(({ op }) => op === 'conv_2d' || op === 'fully_connected').slice(0, -1);
          const widths = layers.map((node) => tensorOf(graph, node.outputs[0]!).shape.at(-1)!);
          // Half of each layer's channels, beginning anywhere
          const dead = new Map(
            layers.map(({ name }, i): [string, number[]] => [
              name,
              Array.from({ length: Math.floor(widths[i]! / 2) }, (_, k) => (pick + k) % widths[i]!),
            ]),
          );
          const quiet = silenced(graph, dead);
          const { graph: pruned, report } = pruneChannels(quiet, { ratio: 0.5 });
          expectSameFunction(quiet, pruned);
          for (const [i, { name }] of layers.entries()) {
            const layer = report.layers.find((entry) => entry.name === name)!;
            expect(layer.channelsBefore - layer.channelsAfter).toBe(Math.floor(widths[i]! / 2));
          }
        },
      ),
      { numRuns: 40, seed: 1 },
    );
  });

  it('takes those with the smallest L1 norm and keeps the order of the others', () => {
    const g = new SampleGraph([1, 2]);
    const weights = Float32Array.of(1, -1, 0.1, 0.1, -3, 0, 0.2, 0.3);
    const hidden = g.node('fully_connected', [g.input, g.floats([4, 2], weights)], { activation: 'relu' });
    const graph = g.build(g.node('fully_connected', [hidden, g.floats([1, 4], Float32Array.of(1, 2, 3, 4))], none));
    const { graph: pruned } = pruneChannels(graph, { ratio: 0.5 });
    const constant = (node: number): number[] => [...tensorOf(pruned, pruned.nodes[node]!.inputs[1]!).data!];
    expect(constant(0)).toEqual([1, -1, -3, 0]);
    expect(constant(1)).toEqual([1, 3]);
  });

  it('gives a graph whose every shape an op infers, and counts what is left', () => {
    const graph = sequential(8, 1);
    const { graph: pruned, report } = pruneChannels(graph, { ratio: 0.5 });
    outputOf(pruned, 1); // checks every node
    const parameters = [...pruned.tensors.values()].filter(({ data, dtype }) => data && dtype === 'float32');
    expect(report.parametersAfter).toBe(parameters.reduce((sum, { data }) => sum + data!.length, 0));
    expect(report.layers.map(({ channelsBefore, channelsAfter }) => [channelsBefore, channelsAfter])).toEqual([
      [8, 4],
      [8, 4], // depthwise: follows
      [6, 3],
      [5, 3],
      [4, 4], // classes
    ]);
    // 25 pixels · 9 taps · 2 inputs · 4 channels
    expect(report.layers[0]!.macsAfter).toBe(25 * 9 * 2 * 4);
    expect(report.macsAfter).toBeLessThan(report.macsBefore / 2);
  });

  it('changes nothing at ratio 0', () => {
    const graph = sequential(5, 2);
    expect(pruneChannels(graph, { ratio: 0 }).graph).toBe(graph);
  });

  it('keeps one channel at least, and rounds what stays up to a multiple', () => {
    const channelsLeft = (ratio: number, roundTo?: number): number =>
      pruneChannels(sequential(9, 1), roundTo ? { ratio, roundTo } : { ratio }).report.layers[0]!.channelsAfter;
    expect(channelsLeft(0.99)).toBe(1);
    expect(channelsLeft(0.5)).toBe(5);
    expect(channelsLeft(0.5, 4)).toBe(8);
    expect(channelsLeft(0.1, 4)).toBe(9);
  });

  it('updates a target shape that a reshape keeps as an attribute', () => {
    const g = new SampleGraph([1, 4, 4, 1]);
    const flat = g.node('reshape', [g.conv(g.input, [4, 3, 3, 1])], { newShape: [1, 64] });
    const { graph } = pruneChannels(g.build(g.dense(flat, [3, 64])), { ratio: 0.5 });
    expect(graph.nodes[1]!.attrs['newShape']).toEqual([1, 32]);
    outputOf(graph, 1);
  });

  it('ends a mean over the image', () => {
    const g = new SampleGraph([1, 4, 4, 2]);
    const means = g.node('mean', [g.conv(g.input, [6, 3, 3, 2]), g.ints([1, 2])], { keepDims: false });
    const { graph, report } = pruneChannels(g.build(g.dense(means, [3, 6])), { ratio: 0.5 });
    expect(report.layers[0]!.channelsAfter).toBe(3);
    outputOf(graph, 1);
  });
});

/** Channels that leave together: a stem and a block that are added, two branches side by side, a flatten behind. */
function branching(width: number, side: number): Graph {
  const g = new SampleGraph([1, 4, 4, 2]);
  const stem = g.conv(g.input, [width, 3, 3, 2]);
  const block = g.conv(g.conv(stem, [6, 3, 3, width]), [width, 3, 3, 6], { activation: 'none' });
  const sum = g.node('add', [stem, block], none);
  const joined = g.node('concatenation', [sum, g.conv(g.input, [side, 1, 1, 2])], { axis: 3 });
  const mixed = g.conv(g.depthwise(joined, [1, 3, 3, width + side]), [5, 1, 1, width + side]);
  return g.build(g.dense(g.reshape(mixed, [1, 80]), [3, 80]));
}

describe('channels that are tied', () => {
  it('leave together, and silent ones change nothing', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 8 }), fc.integer({ min: 2, max: 6 }), fc.nat(), (width, side, pick) => {
        const graph = withoutDepthwiseBias(branching(width, side));
        const convs = graph.nodes.filter(({ op }) => op === 'conv_2d');
        const [stem, inner, block, branch, mixed] = convs.map(({ name }) => name) as [
          string,
          string,
          string,
          string,
          string,
        ];
        const some = (count: number): number[] =>
          Array.from({ length: Math.floor(count / 2) }, (_, k) => (pick + k) % count);
        const dead = new Map([
          [stem, some(width)],
          [block, some(width)],
          [inner, some(6)],
          [branch, some(side)],
          [mixed, some(5)],
        ]);
        const quiet = silenced(graph, dead);
        const { graph: pruned, report } = pruneChannels(quiet, { ratio: 0.5 });
        expectSameFunction(quiet, pruned);
        for (const [name, channels] of dead) {
          const layer = report.layers.find((entry) => entry.name === name)!;
          expect(layer.channelsBefore - layer.channelsAfter).toBe(channels.length);
        }
        expect(report.layers.find(({ name }) => name === stem)!.tiedTo).toEqual([block]);
      }),
      { numRuns: 40, seed: 2 },
    );
  });

  it('of a decoder leave through transposed convolutions, resizes and the alphas of a PReLU', () => {
    const g = new SampleGraph([1, 3, 4, 2]);
    const window = { stride: [2, 2], padding: 'SAME', outputSize: [6, 8], ...none };
    const larger = g.node('transpose_conv', [g.input, g.floats([6, 3, 3, 2]), g.floats([6])], window);
    const bent = g.node('prelu', [larger, g.floats([1, 1, 6])], none);
    const size = g.ints([12, 16]);
    const resized = g.node('resize_nearest_neighbor', [bent, size], { alignCorners: false, halfPixelCenters: false });
    const graph = g.build(g.conv(g.node('maximum', [resized, g.floats([6])]), [3, 3, 3, 6]));
    const { graph: pruned, report } = pruneChannels(graph, { ratio: 0.5 });
    expect(report.layers.map(({ channelsAfter }) => channelsAfter)).toEqual([3, 3]);
    expect(outputOf(pruned, 1)).toHaveLength(12 * 16 * 3);
    expect(tensorOf(pruned, pruned.nodes[1]!.inputs[1]!).shape).toEqual([1, 1, 3]);
  });

  it('of layers that share weights leave both', () => {
    const g = new SampleGraph([1, 4, 4, 2]);
    const [weights, window] = [g.floats([4, 3, 3, 4]), { stride: [1, 1], padding: 'SAME', ...none }];
    const first = g.conv(g.input, [4, 3, 3, 2]);
    const twice = g.node('conv_2d', [g.node('conv_2d', [first, weights], window), weights], window);
    const { graph, report } = pruneChannels(g.build(g.dense(g.reshape(twice, [1, 64]), [3, 64])), { ratio: 0.5 });
    expect(report.layers.map(({ channelsAfter }) => channelsAfter)).toEqual([2, 2, 2, 3]);
    outputOf(graph, 1);
  });
});

describe('how much leaves', () => {
  const channelsOf = (graph: Graph, options: PruneOptions): number[] =>
    pruneChannels(graph, options).report.layers.map(({ channelsAfter }) => channelsAfter);
  const budget = (most: number): PruneBudget => ({ name: 'MACs', most, measure: macsOf, saves: macsOf });

  it('holds a budget, with no channel less than it needs', () => {
    const graph = branching(16, 8);
    for (const share of [0.9, 0.5, 0.25]) {
      const most = macsOf(graph) * share;
      const { graph: pruned, report } = pruneChannels(graph, { budgets: [budget(most)], smallestShare: 0 });
      outputOf(pruned, 1);
      expect(report.macsAfter).toBeLessThanOrEqual(most);
      // One channel more would be too much: of the inner layer, whole, it costs 16 pixels · 9 taps · (16 in + 16 out)
      expect(report.macsAfter).toBeGreaterThan(most - 16 * 9 * (16 + 16));
    }
  });

  it('refuses a budget that nothing can meet', () => {
    expect(() => pruneChannels(branching(8, 4), { budgets: [budget(100)] })).toThrow(/the budget is 100$/);
  });

  it('is a layer’s own where that is given, and the least important of all with scope global', () => {
    const graph = branching(8, 4);
    const [stem, inner, block] = graph.nodes.filter(({ op }) => op === 'conv_2d').map(({ name }) => name) as string[];
    expect(channelsOf(graph, { layers: { [stem!]: 0.25 } }).slice(0, 3)).toEqual([6, 6, 6]);
    expect(channelsOf(graph, { ratio: 0.5, layers: { [inner!]: 0 } }).slice(0, 3)).toEqual([4, 6, 4]);
    expect(() => channelsOf(graph, { layers: { [stem!]: 0.25, [block!]: 0.5 } })).toThrow(/leave together/);
    expect(() => channelsOf(graph, { layers: { nowhere: 0.25 } })).toThrow(/nowhere/);
    const scores = new Map(
      graph.nodes.flatMap(({ op, inputs }) => (op === 'conv_2d' ? [[inputs[1]!, new Array(8).fill(1)]] : [])) as [
        string,
        number[],
      ][],
    );
    scores.set(graph.nodes[1]!.inputs[1]!, [0, 0, 0, 0, 0, 5]); // of the inner layer, one channel matters
    // 8 tied, 6, 4 and 5 channels: a quarter of 23 is 5
    expect(channelsOf(graph, { ratio: 0.25, scope: 'global', importance: 'taylor', scores }).slice(0, 3)).toEqual([
      8, 1, 8,
    ]);
  });
});

describe('what keeps its channels, by name', () => {
  const reasons = (graph: Graph): (string | null)[] => {
    const { graph: pruned, report } = pruneChannels(graph, { ratio: 0.5 });
    outputOf(pruned, 1);
    return report.layers.map(({ kept }) => kept);
  };

  it('the model’s inputs and outputs, and a mean over channels', () => {
    const g = new SampleGraph([1, 4, 4, 2]);
    const sum = g.node('add', [g.input, g.conv(g.input, [2, 3, 3, 2])], none);
    const mean = g.node('mean', [g.conv(sum, [4, 1, 1, 2]), g.ints([-1])], { keepDims: true });
    const kept = reasons(g.build(mean, g.conv(sum, [4, 1, 1, 2])));
    expect(kept[0]).toContain('inputs');
    expect(kept[1]).toContain('(mean)');
    expect(kept[2]).toContain('outputs');
  });

  it('one that two layers read is cut for both', () => {
    const g = new SampleGraph([1, 4, 4, 2]);
    const shared = g.conv(g.input, [4, 3, 3, 2]);
    const graph = g.build(g.dense(g.reshape(shared, [1, 64]), [3, 64]), g.conv(shared, [2, 1, 1, 4]));
    const { graph: pruned, report } = pruneChannels(graph, { ratio: 0.5 });
    expect(report.layers[0]!.channelsAfter).toBe(2);
    outputOf(pruned, 1);
  });
});

describe('what cannot be pruned', () => {
  const codeOf = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      if (error instanceof ThimbleError) return error.code;
    }
    return 'accepted';
  };

  it('a ratio or multiple out of range, a quantized graph', () => {
    const graph = sequential(4, 1);
    for (const options of [{ ratio: 1 }, { ratio: -0.1 }, { ratio: Number.NaN }, { ratio: 0.5, roundTo: 0 }])
      expect(codeOf(() => pruneChannels(graph, options))).toBe('E_RECIPE');
    const quant = { scale: [1], zeroPoint: [0], axis: null };
    const tensors = new Map([...graph.tensors].map(([name, tensor]) => [name, { ...tensor, quant }]));
    expect(codeOf(() => pruneChannels({ ...graph, tensors }, { ratio: 0.5 }))).toBe('E_UNSUPPORTED_MODEL');
  });
});
