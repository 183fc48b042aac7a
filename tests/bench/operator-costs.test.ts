/**
 * What the cost table says of portable kernels that no published network has, against the emulator: predictions must not
 * drift away from the kernels.
 */
import { describe, expect, it } from 'vitest';
import type { Graph } from '../../src/core/graph.js';
import { elementCount, type Shape } from '../../src/core/tensor.js';
import { opNamed } from '../../src/ops/index.js';
import { operandsOf } from '../../src/ops/op.js';
import { portableCost } from '../../src/ops/portable-cost.js';
import { bytesOf, CProgram, canRun, platforms } from '../emulated-core/c-program.js';
import { constantTensor, graphOf, int8Tensor, int32Constant, randomBytes } from '../unit/ops/random-ops.js';

const quant = { scale: 0.05, zeroPoint: -3 };
const tensor = (name: string, shape: Shape) => int8Tensor(name, shape, 0.05, -3);
const ints = (name: string, values: readonly number[]) => int32Constant(name, [values.length], values);
const image = tensor('x', [1, 12, 12, 8]);
const convolution = (input: Shape, window: Shape, stride: number, channels: number): Graph => {
  const weights = constantTensor('w', [channels, ...window, input[3]!], 0.01, 0);
  const operands = [tensor('x', input), { ...weights, data: randomBytes(elementCount(weights.shape)).map(Math.abs) }];
  const outputSize = [input[1]! * stride, input[2]! * stride];
  const attrs = { stride: [stride, stride], padding: 'SAME', outputSize, activation: 'none' };
  return graphOf('transpose_conv', operands, attrs, { scale: 0.4, zeroPoint: 0 });
};
const product = (a: Shape, b: Shape): Graph =>
  graphOf(
    'batch_matmul',
    [tensor('a', a), tensor('b', b)],
    { transposeA: false, transposeB: false },
    { scale: 0.5, zeroPoint: 0 },
  );

const graphs: readonly Graph[] = [
  graphOf('transpose', [image, ints('order', [0, 2, 1, 3])], {}, quant),
  graphOf('transpose', [image, ints('order', [0, 3, 1, 2])], {}, quant),
  graphOf('concatenation', [image, tensor('b', [1, 12, 12, 16])], { axis: 3 }, quant),
  graphOf('concatenation', [tensor('a', [1, 12, 12, 3]), tensor('b', [1, 12, 12, 5])], { axis: 3 }, quant),
  graphOf('slice', [image, ints('begin', [0, 1, 1, 0]), ints('size', [1, 10, 10, 8])], {}, quant),
  graphOf(
    'resize_nearest_neighbor',
    [image, ints('size', [24, 24])],
    { alignCorners: false, halfPixelCenters: false },
    quant,
  ),
  graphOf(
    'resize_nearest_neighbor',
    [image, ints('size', [17, 15])],
    { alignCorners: false, halfPixelCenters: true },
    quant,
  ),
  graphOf('split', [image, ints('axis', [3])], { count: 2 }, quant),
  graphOf('maximum', [image, tensor('b', image.shape)], {}, quant),
  graphOf('minimum', [image, constantTensor('b', [8], 0.05, -3)], {}, quant),
  graphOf('prelu', [image, constantTensor('alpha', [1, 1, 8], 0.003, 0)], { activation: 'none' }, quant),
  graphOf('pad', [image, int32Constant('paddings', [4, 2], [0, 0, 1, 1, 1, 1, 0, 0])], {}, quant),
  convolution([1, 6, 6, 8], [3, 3], 2, 8),
  convolution([1, 4, 6, 32], [3, 3], 2, 16),
  product([1, 10, 16], [1, 16, 10]),
  product([1, 12, 40], [1, 40, 4]),
];
const ERROR = 0.5; // of one layer; the sum over a network is far nearer

for (const core of ['cortex-m0plus', 'cortex-m4', 'rv32imc'] as const)
  describe.skipIf(!canRun(platforms[core]))(`the cost table on ${core} (needs ${platforms[core].compiler})`, () => {
    it('foretells the instructions of operators', () => {
      const program = new CProgram(
        graphs.map((graph, i) => ({ name: `op${i}`, graph })),
        platforms[core],
      );
      try {
        const sizes = ({ inputs, tensors }: Graph): number[] =>
          inputs.map((name) => elementCount(tensors.get(name)!.shape));
        const requests = graphs.map((graph, model) => ({
          model,
          inputs: sizes(graph).map((n) => bytesOf(randomBytes(n))),
        }));
        const wrong = program.run(requests).flatMap(({ layerInstructions: [counted = 0] }, i) => {
          const graph = graphs[i]!;
          const node = operandsOf(graph, graph.nodes[0]!);
          const { instructions } = portableCost(graph.name, node, opNamed(graph.name).cost(node), core);
          return Math.abs(instructions / counted - 1) <= ERROR
            ? []
            : [`${graph.name} ${i}: ${instructions}, not ${counted}`];
        });
        expect(wrong).toEqual([]);
      } finally {
        program.close();
      }
    });
  });
