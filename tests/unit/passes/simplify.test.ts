/** Every pass on a graph made for it: the nodes that must be left, and equal results before and after. */
import { describe, expect, it } from 'vitest';
import { checkGraph, type Graph, type Node } from '../../../src/core/graph.js';
import { elementCount, type QuantParams, type Shape, type Tensor } from '../../../src/core/tensor.js';
import { createInterpreter } from '../../../src/interpret/interpreter.js';
import { opNamed } from '../../../src/ops/index.js';
import { simplify } from '../../../src/passes/index.js';
import { distance, randomValues } from '../importers/run-float32.js';

type Step = readonly [op: string, inputs: readonly string[], attrs?: Readonly<Record<string, unknown>>];
type Constants = Readonly<Record<string, Shape | Int32Array | Float32Array>>;

const valid = { stride: [1, 1], padding: 'VALID', activation: 'none' };
const none = { activation: 'none' };

/** Nodes n0, n1 … over an input x; a constant given as a shape gets random values. The last node is the output. */
function graphOf(input: Shape, constants: Constants, steps: readonly Step[], outputs?: readonly string[]): Graph {
  const tensors = new Map<string, Tensor>([['x', { name: 'x', shape: input, dtype: 'float32' }]]);
  for (const [name, value] of Object.entries(constants)) tensors.set(name, constantOf(name, value));
  const nodes = steps.map(([op, inputs, attrs = {}], i): Node => {
    const [shape] = opNamed(op).inferShape(inputs.map((input) => tensors.get(input)!), attrs); // biome-ignore format: short
    tensors.set(`n${i}`, { name: `n${i}`, shape: shape!, dtype: 'float32' });
    return { name: `n${i}`, op, inputs, outputs: [`n${i}`], attrs };
  });
  return checkGraph({ name: 'g', tensors, nodes, inputs: ['x'], outputs: outputs ?? [`n${steps.length - 1}`] });
}

function constantOf(name: string, value: Shape | Int32Array | Float32Array): Tensor {
  if (value instanceof Int32Array) return { name, shape: [value.length / 2, 2], dtype: 'int32', data: value };
  if (value instanceof Float32Array) return { name, shape: [value.length], dtype: 'float32', data: value };
  return { name, shape: value, dtype: 'float32', data: randomValues(elementCount(value), name.charCodeAt(0)) };
}

function expectSimplified(graph: Graph, expected: readonly string[]): Graph {
  const { graph: after, report } = simplify(graph);
  checkGraph(after);
  expect(
    after.nodes.map(
      ({ op, attrs }) =>
        `${op}${attrs['activation'] && attrs['activation'] !== 'none' ? `+${String(attrs['activation'])}` : ''}`,
    ),
  ).toEqual(expected);
  expect(after.outputs).toEqual(graph.outputs);
  expect(report.length > 0).toBe(after !== graph);
  const x = randomValues(elementCount(graph.tensors.get('x')!.shape), 7).map((value) => value * 4);
  const [before, now] = [graph, after].map((each) => createInterpreter(each).run([x]));
  before!.forEach((values, i) => {
    expect(distance(now![i]!, values)).toBeLessThan(1e-5);
  });
  return after;
}

const weights = { w: [4, 3, 3, 2], b: [4], c: [4], d: [1, 1, 1, 4], s: [1] } as const;
const image = [1, 6, 5, 2] as const;

describe('what moves nothing', () => {
  it('becomes a reshape, which moves behind an activation as any other does', () => {
    expectSimplified(
      graphOf([1, 1, 6, 2], { v: [4, 1, 3, 2] }, [
        ['conv_2d', ['x', 'v'], valid],
        ['squeeze', ['n0'], { axes: [1] }],
        ['relu', ['n1']],
      ]),
      ['conv_2d+relu', 'reshape'],
    );
  });
});

describe('a transposed convolution', () => {
  const window = { stride: [2, 2], padding: 'SAME', outputSize: [12, 10] };

  it('takes arithmetic in, and gives its activation away', () => {
    expectSimplified(
      graphOf(image, { w: [4, 3, 3, 2], c: [4], d: [4] }, [
        ['transpose_conv', ['x', 'w'], { ...window, activation: 'none' }],
        ['mul', ['n0', 'c'], none],
        ['add', ['n1', 'd'], { activation: 'relu6' }],
      ]),
      ['transpose_conv', 'relu6'],
    );
  });

  it('takes no activation in', () => {
    const graph = graphOf(image, { w: [4, 3, 3, 2] }, [
      ['transpose_conv', ['x', 'w'], { ...window, activation: 'none' }],
      ['relu', ['n0']],
    ]);
    expectSimplified(graph, ['transpose_conv', 'relu']);
  });
});

describe('a prelu', () => {
  it('takes no activation in, which no .tflite could hold', () => {
    const graph = graphOf(image, { a: [1, 1, 2] }, [
      ['prelu', ['x', 'a'], none],
      ['relu', ['n0']],
    ]);
    expectSimplified(graph, ['prelu', 'relu']);
  });
});

describe('arithmetic with constants', () => {
  it('folds into a convolution with and without bias', () => {
    expectSimplified(
      graphOf(image, weights, [
        ['conv_2d', ['x', 'w', 'b'], valid],
        ['mul', ['n0', 'c'], none],
        ['add', ['d', 'n1'], none],
      ]),
      ['conv_2d'],
    );
    expectSimplified(
      graphOf(image, weights, [
        ['conv_2d', ['x', 'w'], valid],
        ['add', ['n0', 'c'], none],
        ['mul', ['s', 'n1'], none],
      ]),
      ['conv_2d'],
    );
    expectSimplified(
      graphOf(image, weights, [
        ['conv_2d', ['x', 'w'], valid],
        ['sub', ['n0', 'c'], { activation: 'relu' }],
      ]),
      ['conv_2d+relu'],
    );
  });

  it('folds into a depthwise convolution and a dense layer', () => {
    const depthwise = { ...valid, depthMultiplier: 2 };
    expectSimplified(
      graphOf(image, { w: [1, 2, 2, 4], c: [4] }, [
        ['depthwise_conv_2d', ['x', 'w'], depthwise],
        ['mul', ['n0', 'c'], none],
        ['add', ['n1', 'c'], none],
      ]),
      ['depthwise_conv_2d'],
    );
    expectSimplified(
      graphOf([1, 5], { w: [4, 5], c: [4] }, [
        ['fully_connected', ['x', 'w'], none],
        ['mul', ['n0', 'c'], none],
      ]),
      ['fully_connected'],
    );
  });

  it('stays where something else needs the value between', () => {
    const steps: Step[] = [
      ['conv_2d', ['x', 'w'], valid],
      ['mul', ['n0', 'c'], none],
      ['add', ['n0', 'n1'], none],
    ];
    expectSimplified(graphOf(image, weights, steps), ['conv_2d', 'mul', 'add']);
    expectSimplified(graphOf(image, weights, steps.slice(0, 2), ['n0', 'n1']), ['conv_2d', 'mul']);
    expectSimplified(
      graphOf(image, weights, [
        ['conv_2d', ['x', 'w'], { ...valid, activation: 'relu' }],
        ['mul', ['n0', 'c'], none],
      ]),
      ['conv_2d+relu', 'mul'],
    );
    expectSimplified(
      graphOf(image, weights, [
        ['conv_2d', ['x', 'w'], valid],
        ['sub', ['c', 'n0'], none],
      ]),
      ['conv_2d', 'sub'],
    );
  });

  it('leaves weights alone that two layers share', () => {
    const steps: Step[] = [
      ['conv_2d', ['x', 'w'], valid],
      ['mul', ['n0', 'c'], none],
      ['conv_2d', ['x', 'w'], valid],
      ['add', ['n1', 'n2'], none],
    ];
    expectSimplified(graphOf(image, weights, steps), ['conv_2d', 'conv_2d', 'add']);
  });

  it('reaches a convolution through a reshape', () => {
    const steps: Step[] = [
      ['conv_2d', ['x', 'w'], valid],
      ['reshape', ['n0'], { newShape: [1, 12, 4] }],
      ['mul', ['n1', 'c'], none],
      ['relu6', ['n2']],
    ];
    expectSimplified(graphOf(image, weights, steps), ['conv_2d+relu6', 'reshape']);
    const other: Step[] = [
      ['conv_2d', ['x', 'w'], valid],
      ['reshape', ['n0'], { newShape: [1, 4, 12] }],
      ['mul', ['n1', 'e'], none],
    ];
    expectSimplified(graphOf(image, { ...weights, e: [12] }, other), ['conv_2d', 'reshape', 'mul']);
  });
});

describe('activations', () => {
  it('fuse into their producer, one after another where that is one clamp', () => {
    expectSimplified(
      graphOf(image, weights, [
        ['conv_2d', ['x', 'w'], valid],
        ['relu', ['n0']],
        ['relu6', ['n1']],
      ]),
      ['conv_2d+relu6'],
    );
    expectSimplified(
      graphOf(image, {}, [
        ['add', ['x', 'x'], none],
        ['relu', ['n0']],
      ]),
      ['add+relu'],
    );
  });

  it('stay behind what has none, and behind a tensor with two readers', () => {
    expectSimplified(
      graphOf(image, {}, [
        ['logistic', ['x']],
        ['relu', ['n0']],
      ]),
      ['logistic', 'relu'],
    );
    expectSimplified(
      graphOf(image, {}, [
        ['add', ['x', 'x'], none],
        ['relu', ['n0']],
        ['mul', ['n0', 'n1'], none],
      ]),
      ['add', 'relu', 'mul'],
    );
  });
});

describe('nodes that do nothing', () => {
  it('go: x · 1, x + 0, a reshape to the same shape, a pad by nothing', () => {
    const constants = { o: Float32Array.of(1), z: Float32Array.of(0), p: new Int32Array(8) };
    const steps: Step[] = [
      ['tanh', ['x']],
      ['mul', ['n0', 'o'], none],
      ['add', ['z', 'n1'], none],
      ['reshape', ['n2'], { newShape: image }],
      ['pad', ['n3', 'p']],
      ['logistic', ['n4']],
    ];
    expectSimplified(graphOf(image, constants, steps), ['tanh', 'logistic']);
    expectSimplified(graphOf(image, constants, steps.slice(0, 5)), ['tanh']);
  });

  it('merge: a reshape of a reshape', () => {
    const steps: Step[] = [
      ['reshape', ['x'], { newShape: [1, 30, 2] }],
      ['reshape', ['n0'], { newShape: [1, 60] }],
      ['tanh', ['n1']],
    ];
    expectSimplified(graphOf(image, {}, steps), ['reshape', 'tanh']);
  });

  it('are dropped when no output needs them, and computed when all is constant', () => {
    const steps: Step[] = [
      ['relu', ['x']],
      ['tanh', ['c']],
      ['mul', ['n1', 'n1'], none],
      ['add', ['n2', 'd'], none],
      ['add', ['y', 'x'], none],
    ];
    const graph = graphOf([1, 1, 1, 4], { ...weights, y: [4] }, steps, ['n4', 'n3']);
    expectSimplified({ ...graph, outputs: ['n4'] }, ['add']);
    expectSimplified(graph, ['add', 'add']);
  });
});

describe('padding', () => {
  const pads = (top: number, bottom: number, left: number, right: number) =>
    Int32Array.of(0, 0, top, bottom, left, right, 0, 0);
  const padded = (p: Int32Array, stride: readonly number[], dilation = [1, 1]): Graph =>
    graphOf(image, { ...weights, p }, [
      ['pad', ['x', 'p']],
      ['conv_2d', ['n0', 'w'], { ...valid, stride, dilation }],
    ]);

  it('becomes SAME where that pads the same', () => {
    expectSimplified(padded(pads(1, 1, 1, 1), [1, 1]), ['conv_2d']);
    expectSimplified(padded(pads(0, 1, 1, 1), [2, 2]), ['conv_2d']); // 6 rows: one below; 5 columns: one on each side
    expectSimplified(padded(pads(2, 2, 2, 2), [1, 1], [2, 2]), ['conv_2d']);
  });

  it('stays where it differs', () => {
    expectSimplified(padded(pads(1, 0, 1, 1), [2, 2]), ['pad', 'conv_2d']);
    expectSimplified(padded(pads(1, 1, 1, 1), [2, 2]), ['pad', 'conv_2d']);
    expectSimplified(padded(pads(2, 2, 2, 2), [1, 1]), ['pad', 'conv_2d']);
    expectSimplified(padded(pads(2, 0, 1, 1), [1, 1]), ['pad', 'conv_2d']);
  });
});

describe('int8', () => {
  const quant = (scale: number): QuantParams => ({ scale: [Math.fround(scale)], zeroPoint: [3], axis: null });
  const int8 = (name: string, scale: number): Tensor => ({ name, shape: [1, 4], dtype: 'int8', quant: quant(scale) });
  const node = (name: string, op: string, input: string, output: string): Node => ({
    name,
    op,
    inputs: [input],
    outputs: [output],
    attrs: {},
  });
  const roundTrip = (scale: number): Graph => {
    const tensors = [
      int8('x', 0.1),
      { name: 'real', shape: [1, 4], dtype: 'float32' as const },
      int8('q', scale),
      int8('y', scale),
    ];
    const nodes = [
      node('d', 'dequantize', 'x', 'real'),
      node('q', 'quantize', 'real', 'q'),
      node('r', 'relu', 'q', 'y'),
    ];
    return {
      name: 'g',
      tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
      nodes,
      inputs: ['x'],
      outputs: ['y'],
    };
  };

  it('drops a quantize after a dequantize with equal parameters, bit for bit, and no other', () => {
    const same = roundTrip(0.1);
    const { graph } = simplify(same);
    expect(graph.nodes.map(({ op }) => op)).toEqual(['relu']);
    for (let q = -128; q < 125; q += 4) {
      const x = Int8Array.of(q, q + 1, q + 2, q + 3);
      expect(createInterpreter(graph).run([x])).toEqual(createInterpreter(same).run([x]));
    }
    const other = roundTrip(0.2);
    expect(simplify(other).graph).toBe(other);
  });
});
