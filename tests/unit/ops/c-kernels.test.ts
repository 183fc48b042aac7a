/**
 * C kernels against their int8 references where golden models have no case: five axes, constants on either side,
 * every set of averaged axes, windows larger than the input, many classes. Under sanitizers and strict warnings.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Graph } from '../../../src/core/graph.js';
import { byteCount, type Shape, sameShape, type Tensor, type TypedArray } from '../../../src/core/tensor.js';
import { broadcastShape } from '../../../src/ops/broadcast.js';
import { opNamed } from '../../../src/ops/index.js';
import { operandsOf } from '../../../src/ops/op.js';
import { bytesOf, CProgram, canRun, platforms, strictFlags } from '../../emulated-core/c-program.js';
import { constantTensor, graphOf, int8Tensor, int32Constant, randomBytes, referenceOf } from './random-ops.js';

const activations = ['none', 'relu', 'relu_n1_to_1', 'relu6'] as const;

/** Pairs of shapes: equal, scalars, repeats on alternating axes, on both sides at once, and of different ranks. */
const pairs: readonly (readonly [Shape, Shape])[] = [
  [
    [1, 7],
    [1, 7],
  ],
  [[1, 3, 5], [1]],
  [
    [1, 2, 3, 4, 5],
    [1, 1, 3, 1, 5],
  ],
  [
    [1, 1, 3, 1, 5],
    [1, 2, 3, 4, 1],
  ],
  [
    [1, 2, 1, 3],
    [1, 1, 4, 1],
  ],
  [
    [4, 3],
    [1, 2, 4, 3],
  ],
];

const broadcastOf = (a: Shape, b: Shape): Shape =>
  broadcastShape('', int8Tensor('a', a, 1, 0), int8Tensor('b', b, 1, 0));

function binaryGraphs(): Graph[] {
  return ['add', 'sub', 'mul', 'maximum', 'minimum', 'prelu'].flatMap((op) =>
    pairs.flatMap(([a, b], i) => {
      if (op === 'prelu' && !sameShape(a, broadcastOf(a, b))) return []; // its alpha must not be larger
      const attrs = { activation: activations[i % 4] };
      const output = { scale: op === 'mul' ? 0.11 : 0.07, zeroPoint: (i * 37) % 100 };
      const zeroPoint = op === 'prelu' ? 10 * i : -128 + i; // it has two sides
      const varying = [int8Tensor('a', a, 0.05, zeroPoint), int8Tensor('b', b, 0.03, 127 - i)] as const;
      const fixed = [constantTensor('a', a, 0.05, 3), constantTensor('b', b, 0.03, -7)] as const;
      return [varying, [varying[0], fixed[1]], [fixed[0], varying[1]]].map((operands) =>
        graphOf(op, operands, attrs, output),
      );
    }),
  );
}

/** Every subset of the axes of [2, 3, 1, 4, 5] that is not empty, with both kinds of result shape in turn. */
function meanGraphs(): Graph[] {
  return Array.from({ length: 31 }, (_, i) => {
    const axes = [0, 1, 2, 3, 4].filter((axis) => ((i + 1) >> axis) & 1).map((axis) => (i % 3 ? axis : axis - 5));
    const operands = [int8Tensor('x', [1, 3, 2, 4, 5], 0.05, -90), int32Constant('axes', [axes.length], axes)];
    return graphOf('mean', operands, { keepDims: i % 2 === 0 }, { scale: 0.017, zeroPoint: 9 });
  });
}

function movingGraphs(): Graph[] {
  const quant = { scale: 0.05, zeroPoint: -3 };
  const tensor = (name: string, shape: Shape) => int8Tensor(name, shape, 0.05, -3);
  const concatenations = [0, 1, 2, -1].map((axis) => {
    const shape = (size: number): Shape => [1, 3, 2].map((s, i) => (i === (axis + 3) % 3 ? size : s));
    const operands = [tensor('a', shape(2)), constantTensor('b', shape(3), 0.05, -3), tensor('c', shape(1))];
    return graphOf('concatenation', operands, { axis }, quant);
  });
  const pads = (
    [
      [1, 5],
      [1, 2, 3],
      [1, 4, 3, 2],
    ] as const
  ).map((shape) => {
    const counts = shape.flatMap((_, i) => [i, 2 - (i % 3)]);
    return graphOf('pad', [tensor('x', shape), int32Constant('paddings', [shape.length, 2], counts)], {}, quant);
  });
  const packs = [0, 1, 3, -1].map((axis) => {
    const operands = [tensor('a', [3, 2, 4]), constantTensor('b', [3, 2, 4], 0.05, -3), tensor('c', [3, 2, 4])];
    return graphOf('pack', operands, { axis, count: 3 }, quant);
  });
  return [
    ...concatenations,
    ...pads,
    ...packs,
    ...transposes(tensor),
    ...slices(tensor),
    ...cuts(tensor),
    ...resizes(tensor),
    graphOf('reshape', [tensor('x', [1, 12])], { newShape: [3, -1] }, quant),
  ];
}

type MakeTensor = (name: string, shape: Shape) => ReturnType<typeof int8Tensor>;

/** Orders that merge to a plain copy, to two loops, and not at all; axes of size 1 among them. */
const transposes = (tensor: MakeTensor): Graph[] =>
  [
    [1, 0],
    [0, 2, 1],
    [2, 0, 1],
    [0, 3, 1, 2],
    [3, 2, 1, 0],
    [4, 2, 0, 3, 1],
    [0, 1, 2, 3, 4],
  ].map((order) => {
    const operands = [
      tensor('x', [3, 2, 5, 4, 3].slice(0, order.length)),
      int32Constant('order', [order.length], order),
    ];
    return graphOf('transpose', operands, {}, { scale: 0.05, zeroPoint: -3 });
  });

/** Forwards over the input, backwards apart from it, ends beyond the axis, and one axis read at a place. */
const slices = (tensor: MakeTensor): Graph[] =>
  (
    [
      [[0, 1, 2], [3, 4, 6], [1, 2, 3], 0],
      [[-1, 0, -99], [-99, 5, 99], [-1, 1, 1], 0],
      [[2, -1, 5], [0, -6, 1], [-1, -2, -2], 0],
      [[1, 2, 0], [2, 3, 7], [1, 1, 1], 3],
      [[0, 0, 0], [3, 5, 7], [1, 1, 1], 0],
    ] as const
  ).map(([begin, end, strides, shrinkAxisMask]) => {
    const constants = [begin, end, strides].map((values, i) => int32Constant(`c${i}`, [3], values));
    const attrs = { beginMask: 0, endMask: 0, shrinkAxisMask };
    return graphOf('strided_slice', [tensor('x', [3, 5, 7]), ...constants], attrs, { scale: 0.05, zeroPoint: -3 });
  });

/** Parts of all axes: equal, of given sizes, single, and a box that touches neither end. */
const cuts = (tensor: MakeTensor): Graph[] => {
  const x = tensor('x', [4, 3, 6]);
  const [axis, quant] = [(at: number) => int32Constant('axis', [1], [at]), { scale: 0.05, zeroPoint: -3 }];
  return [
    ...[0, 1, -1].map((at) => graphOf('split', [x, axis(at)], { count: at === 1 ? 3 : 2 }, quant)),
    graphOf('split_v', [x, int32Constant('sizes', [3], [1, -1, 3]), axis(2)], { count: 3 }, quant),
    graphOf('split_v', [x, int32Constant('sizes', [2], [3, 1]), axis(0)], { count: 2 }, quant),
    ...[0, 1, -1].map((at) => graphOf('unpack', [x], { axis: at, count: x.shape.at(at)! }, quant)),
    graphOf('slice', [x, int32Constant('begin', [3], [1, 1, 2]), int32Constant('size', [3], [2, -1, 3])], {}, quant),
  ];
};

/** Whole factors and all others, up and down, to one pixel, with every rule for where a pixel's centre lies. */
const resizes = (tensor: MakeTensor): Graph[] =>
  fc
    .sample(
      fc.record({
        shape: fc.tuple(fc.constantFrom(1, 1, 2), size, size, fc.integer({ min: 1, max: 4 })),
        to: fc.tuple(fc.oneof(size, fc.constantFrom(10, 12)), fc.oneof(size, fc.constantFrom(9, 14))),
        alignCorners: fc.boolean(),
        halfPixelCenters: fc.boolean(),
      }),
      { numRuns: 40, seed: 3 },
    )
    .map(({ shape, to, alignCorners, halfPixelCenters }) => {
      const operands = [tensor('x', shape), int32Constant('size', [2], to)];
      const attrs = { alignCorners, halfPixelCenters: halfPixelCenters && !alignCorners };
      return graphOf('resize_nearest_neighbor', operands, attrs, { scale: 0.05, zeroPoint: -3 });
    });
const size = fc.integer({ min: 1, max: 7 });

/** Strides longer than the window, windows longer than the image, rows that no window reaches, extreme zero points. */
const transposeConvolutions = (): Graph[] =>
  fc
    .sample(
      fc.record({
        input: fc.tuple(size, size, fc.integer({ min: 1, max: 6 })),
        filter: fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })),
        stride: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
        channels: fc.integer({ min: 1, max: 5 }),
        padding: fc.constantFrom('SAME' as const, 'VALID' as const),
        larger: fc.tuple(fc.nat(2), fc.nat(2)),
        zeroPoint: fc.constantFrom(-128, 0, 127),
        scale: fc.constantFrom(0.02, 0.3, 0.0004),
        bias: fc.boolean(),
      }),
      { numRuns: 40, seed: 4 },
    )
    .map(({ input: [height, width, depth], filter, stride, channels, padding, larger, zeroPoint, scale, bias }) => {
      const outputSize = [height, width].map((count, axis) => {
        const step = stride[axis]!;
        const least = padding === 'SAME' ? (count - 1) * step + 1 : (count - 1) * step + filter[axis]!;
        return least + Math.min(larger[axis]!, step - 1);
      });
      const scales = Array.from({ length: channels }, (_, c) => Math.fround(0.002 * (c + 1)));
      const perChannel = { scale: scales, zeroPoint: scales.map(() => 0), axis: 0 };
      const count = channels * filter[0] * filter[1] * depth;
      const weights = { ...constantTensor('w', [channels, ...filter, depth], 1, 0), quant: perChannel };
      const symmetric = { ...weights, data: randomBytes(count).map((w) => Math.max(w, -127)) };
      const biases = int32Constant('b', [channels], [9000, -9000, 1, 0, -70_000].slice(0, channels));
      const operands = [
        int8Tensor('x', [1, height, width, depth], 0.05, zeroPoint),
        symmetric,
        ...(bias ? [biases] : []),
      ];
      const attrs = { stride, padding, outputSize, activation: 'none' };
      return graphOf('transpose_conv', operands, attrs, { scale, zeroPoint: -zeroPoint - 1 });
    });

function poolGraphs(): Graph[] {
  const quant = { scale: 0.05, zeroPoint: 17 };
  return ['average_pool_2d', 'max_pool_2d'].flatMap((op) =>
    (['SAME', 'VALID'] as const).flatMap((padding, i) =>
      [
        [1, 1],
        [2, 3],
        [5, 4],
      ].map((filter, k) => {
        const attrs = { padding, stride: [1 + k, 2 - i], filter, activation: activations[k] };
        return graphOf(op, [int8Tensor('x', [1, 6, 5, 3], 0.05, 17)], attrs, quant);
      }),
    ),
  );
}

/** Up to 4095 classes; from 512 equal ones on the last shift passes 31. Scales so coarse that one value is left. */
function softmaxGraphs(): Graph[] {
  const output = { scale: 1 / 256, zeroPoint: -128 };
  return (
    [
      [1, 4095],
      [1, 600],
      [3, 2],
      [1, 1],
    ] as const
  ).flatMap((shape) =>
    [1e-6, 0.004, 0.2, 7, 40].map((scale) =>
      graphOf('softmax', [int8Tensor('x', shape, scale, 5)], { beta: 1 }, output),
    ),
  );
}

/** The same node with 16-bit operands: zero points are 0, and constants reach as far. */
function inSixteenBits(graph: Graph): Graph {
  const widened = (tensor: Tensor): Tensor => {
    if (tensor.dtype !== 'int8') return tensor;
    const quant = { scale: [Math.fround(tensor.quant!.scale[0]! / 200)], zeroPoint: [0], axis: null };
    const { data, ...rest } = tensor;
    return { ...rest, dtype: 'int16', quant, ...(data && { data: Int16Array.from(data, (q: number) => q * 255 + 7) }) };
  };
  return { ...graph, tensors: new Map([...graph.tensors].map(([name, tensor]) => [name, widened(tensor)])) };
}

const narrow = [...binaryGraphs(), ...meanGraphs(), ...movingGraphs(), ...poolGraphs()];
/** Both sides read both ways, batch axes that repeat on either side, and a constant on either side. */
const matrixProducts = (): Graph[] =>
  fc
    .sample(
      fc.record({
        sizes: fc.tuple(size, size, size),
        batch: fc.array(fc.tuple(fc.constantFrom(1, 2, 3), fc.nat(2)), { maxLength: 3 }),
        transposeA: fc.boolean(),
        transposeB: fc.boolean(),
        fixed: fc.constantFrom('none', 'none', 'a', 'b'),
        zeroPoint: fc.constantFrom(-128, 0, 127),
        scale: fc.constantFrom(0.02, 0.4, 0.0008),
      }),
      { numRuns: 30, seed: 9 },
    )
    .map(({ sizes: [rows, depth, columns], batch, transposeA, transposeB, fixed, zeroPoint, scale }) => {
      const outer = (repeated: number) => batch.map(([count, repeats]) => (repeats === repeated ? 1 : count));
      const operand = (name: string, shape: Shape, zero: number) =>
        (name === fixed ? constantTensor : int8Tensor)(name, shape, 0.03, zero);
      const a = operand('a', [...outer(1), ...(transposeA ? [depth, rows] : [rows, depth])], zeroPoint);
      const b = operand('b', [...outer(2), ...(transposeB ? [columns, depth] : [depth, columns])], -zeroPoint - 1);
      return graphOf('batch_matmul', [a, b], { transposeA, transposeB }, { scale, zeroPoint: 3 });
    });

const graphs = [
  ...matrixProducts(),
  ...transposeConvolutions(),
  ...narrow,
  ...softmaxGraphs(),
  ...narrow.filter((graph, i) => opNamed(graph.name).int16 && i % 2 === 0).map(inSixteenBits),
];

const PROGRAMS = 4; // sanitizers make one of all graphs slow to build

describe('C kernels and their references', () => {
  it('takes every graph', () => {
    for (const graph of graphs)
      expect(opNamed(graph.name).checkQuant(operandsOf(graph, graph.nodes[0]!)), graph.name).toEqual([]);
  });

  const { sanitizers } = platforms;
  const strict = { ...sanitizers, flags: [...sanitizers.flags, ...strictFlags] };
  const parts = Array.from({ length: PROGRAMS }, (_, part) => ({
    part,
    some: graphs.filter((_, i) => i % PROGRAMS === part),
  }));
  it.skipIf(!canRun(strict)).each(parts)('compute the same bytes, part $part (needs gcc)', ({ some }) => {
    const program = new CProgram(
      some.map((graph, i) => ({ name: `op${i}`, graph })),
      strict,
    );
    try {
      const requests = some.flatMap((graph, model) =>
        [randomBytes, saturated].map((make) => ({
          model,
          inputs: graph.inputs.map((name) => valuesOf(graph.tensors.get(name)!, make)),
        })),
      );
      const answers = program.run(requests.map(({ model, inputs }) => ({ model, inputs: inputs.map(bytesOf) })));
      requests.forEach(({ model, inputs }, i) => {
        const expected = referenceOf(some[model]!, inputs).map((output) => [...bytesOf(output)]);
        const actual = answers[i]!.outputs.map((output) => [...output]);
        expect(actual, `${some[model]!.name} ${model}`).toEqual(expected);
      });
    } finally {
      program.close();
    }
  });
});

/** Bytes as the elements of a tensor. */
function valuesOf(tensor: Tensor, make: (count: number) => Int8Array): TypedArray {
  const bytes = make(byteCount(tensor));
  return tensor.dtype === 'int16' ? new Int16Array(bytes.buffer) : bytes;
}

/** The largest value throughout. */
const saturated = (count: number): Int8Array => new Int8Array(count).fill(127);
