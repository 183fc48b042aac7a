/**
 * Networks of other shapes than those the kernels were made with, with weights from a seeded generator: what the emitted C
 * gains on them. Their outputs mean nothing; shapes, products and bytes are those of the real ones.
 */
import type { Graph, Node } from '../../src/core/graph.js';
import { seededRandom } from '../../src/core/seeded-random.js';
import type { QuantParams, Shape, Tensor } from '../../src/core/tensor.js';
import { canRun, type EmulatedCore, emulatedCores } from '../../src/engines/core-program.js';
import { opNamed } from '../../src/ops/index.js';
import { operandsOf } from '../../src/ops/op.js';
import { benchOnCore } from '../../src/pipeline/bench-core.js';
import type { Row } from './row.js';

const cores = ['cortex-m0plus', 'cortex-m4', 'cortex-m55'] as const;

/** Grows a chain of int8 layers; each gets the shape that its op infers, and a scale that its sums fill. */
class Chain {
  readonly #random = seededRandom(17);
  readonly #tensors = new Map<string, Tensor>();
  readonly #nodes: Node[] = [];
  readonly #name: string;
  #last = 'input';

  constructor(name: string, input: Shape) {
    this.#name = name;
    this.#tensors.set('input', { name: 'input', shape: input, dtype: 'int8', quant: perTensor(0.04, -128) });
  }

  conv(outputs: number, filter: readonly [number, number], stride: readonly [number, number]): this {
    const [, , , depth] = this.#shape;
    const attrs = { stride, padding: 'SAME', activation: 'relu', dilation: [1, 1] };
    return this.#weighted('conv_2d', [outputs, ...filter, depth!], outputs, 0, filter[0] * filter[1] * depth!, attrs);
  }

  depthwise(filter: readonly [number, number], stride: readonly [number, number]): this {
    const depth = this.#shape[3]!;
    const attrs = { stride, padding: 'SAME', activation: 'relu', dilation: [1, 1], depthMultiplier: 1 };
    return this.#weighted('depthwise_conv_2d', [1, ...filter, depth], depth, 3, filter[0] * filter[1], attrs);
  }

  dense(outputs: number, activation: 'relu' | 'none'): this {
    const depth = this.#shape.slice(1).reduce((product, size) => product * size, 1);
    return this.#weighted('fully_connected', [outputs, depth], outputs, 0, depth, { activation, keepNumDims: false });
  }

  averageAll(): this {
    const [, height, width] = this.#shape;
    const filter = [height!, width!];
    return this.#add(
      'average_pool_2d',
      [],
      { filter, stride: filter, padding: 'VALID', activation: 'none' },
      this.#quant,
    );
  }

  softmax(): Graph {
    this.#add('softmax', [], { beta: 1 }, perTensor(1 / 256, -128));
    return { name: this.#name, tensors: this.#tensors, nodes: this.#nodes, inputs: ['input'], outputs: [this.#last] };
  }

  end(): Graph {
    return { name: this.#name, tensors: this.#tensors, nodes: this.#nodes, inputs: ['input'], outputs: [this.#last] };
  }

  get #shape(): Shape {
    return this.#tensors.get(this.#last)!.shape;
  }

  get #quant(): QuantParams {
    return this.#tensors.get(this.#last)!.quant!;
  }

  #weighted(op: string, shape: Shape, channels: number, axis: number, taps: number, attrs: Node['attrs']): this {
    const count = shape.reduce((product, size) => product * size, 1);
    const scale = Array.from({ length: channels }, () => Math.fround(0.002 + this.#random() / 500));
    const inputScale = this.#quant.scale[0]!;
    const label = `${op}_${this.#nodes.length}`;
    const weights: Tensor = {
      name: `${label}_weights`,
      shape,
      dtype: 'int8',
      quant: { scale, zeroPoint: scale.map(() => 0), axis },
      data: Int8Array.from({ length: count }, () => Math.round((this.#random() - 0.5) * 254)),
    };
    const bias: Tensor = {
      name: `${label}_bias`,
      shape: [channels],
      dtype: 'int32',
      quant: { scale: scale.map((each) => each * inputScale), zeroPoint: scale.map(() => 0), axis: 0 },
      data: Int32Array.from({ length: channels }, () => Math.round((this.#random() - 0.5) * 4000)),
    };
    const spread = Math.sqrt(taps) * 73 * 73 * inputScale * 0.003; // of the sums, in real units
    return this.#add(op, [weights, bias], attrs, perTensor(spread / 50, -128));
  }

  #add(op: string, constants: readonly Tensor[], attrs: Node['attrs'], quant: QuantParams): this {
    const output = `${op}_${this.#nodes.length}`;
    for (const tensor of constants) this.#tensors.set(tensor.name, tensor);
    const node: Node = {
      name: output,
      op,
      inputs: [this.#last, ...constants.map(({ name }) => name)],
      outputs: [output],
      attrs,
    };
    const inputs = node.inputs.map((name) => this.#tensors.get(name!)!);
    const [shape] = opNamed(op).inferShape(inputs, attrs);
    this.#tensors.set(output, { name: output, shape: shape!, dtype: 'int8', quant });
    this.#nodes.push(node);
    this.#last = output;
    return this;
  }
}

const perTensor = (scale: number, zeroPoint: number): QuantParams => ({
  scale: [Math.fround(scale)],
  zeroPoint: [zeroPoint],
  axis: null,
});

/** MobileNet v1, a quarter of its channels: MLPerf Tiny's visual wake words (colour), TFLM's person detection (grey). */
function mobileNet(name: string, channels: number): Graph {
  const chain = new Chain(name, [1, 96, 96, channels]).conv(8, [3, 3], [2, 2]);
  const blocks = [
    [16, 1],
    [32, 2],
    [32, 1],
    [64, 2],
    [64, 1],
    [128, 2],
    [128, 1],
    [128, 1],
    [128, 1],
    [128, 1],
    [128, 1],
    [256, 2],
    [256, 1],
  ] as const;
  for (const [outputs, stride] of blocks) chain.depthwise([3, 3], [stride, stride]).conv(outputs, [1, 1], [1, 1]);
  return chain.averageAll().dense(2, 'none').softmax();
}

/** MLPerf Tiny's anomaly detection: five frames of 128 mel bands through a bottleneck of 8. */
function autoEncoder(): Graph {
  const chain = new Chain('auto-encoder', [1, 640]);
  for (const units of [128, 128, 128, 128, 8, 128, 128, 128, 128]) chain.dense(units, 'relu');
  return chain.dense(640, 'none').end();
}

/** A gesture from 128 samples of three axes, one dimension: odd channels, filters of 5 by 1. */
const gestures = (): Graph =>
  new Chain('1-D gestures', [1, 128, 1, 3])
    .conv(10, [5, 1], [1, 1])
    .conv(20, [5, 1], [2, 1])
    .depthwise([7, 1], [2, 1])
    .conv(22, [1, 1], [1, 1])
    .averageAll()
    .dense(7, 'none')
    .softmax();

const networks: readonly Graph[] = [
  mobileNet('visual wake words', 3),
  mobileNet('person detection', 1),
  autoEncoder(),
  gestures(),
];

export function benchOtherNetworks(): readonly Row[] {
  return cores.flatMap((core): readonly Row[] =>
    canRun(emulatedCores[core])
      ? networks.map((graph) => rowOf(core, graph))
      : [
          {
            core,
            network: `skipped: needs ${emulatedCores[core].compiler} and ${emulatedCores[core].machine.emulator}`,
          },
        ],
  );
}

function rowOf(core: EmulatedCore, graph: Graph): Row {
  const model = { graph, path: graph.name, sha256: '', bytes: new Uint8Array() };
  const accept = ({ variant }: { variant: string }) => variant.startsWith('portable');
  const plain = benchOnCore(model, { core, optimize: 'balanced', accept });
  const [speed, balanced] = (['speed', 'balanced'] as const).map((optimize) => benchOnCore(model, { core, optimize }));
  const slow = balanced!.layers.filter(({ kernel, macs }) => kernel.startsWith('portable') && macs > 0);
  return {
    core,
    network: graph.name,
    MACs: graph.nodes.reduce((sum, node) => sum + opNamed(node.op).cost(operandsOf(graph, node)).macs, 0),
    speed: speed!.instructions,
    balanced: balanced!.instructions,
    'plain C': plain.instructions,
    'balanced / MAC': Number((balanced!.instructions / balanced!.macs).toFixed(2)),
    predicted: balanced!.layers.reduce((sum, { predicted }) => sum + predicted, 0),
    flash: balanced!.flash.totalBytes,
    'RAM + stack': balanced!.ram.totalBytes,
    'bit-exact': String([plain, speed!, balanced!].every(({ bitExact }) => bitExact)),
    'layers in plain C': slow.map(({ op, index }) => `${index} ${op}`).join(', '),
  };
}
