/** What conv_2d, depthwise_conv_2d and fully_connected must all hold, checked on the layers that each names. */
import { expect, it } from 'vitest';
import { elementCount, type Tensor } from '../../../src/core/tensor.js';
import { createInterpreter } from '../../../src/interpret/interpreter.js';
import { opNamed } from '../../../src/ops/index.js';
import { bytesOf, CProgram, canRun, type Platform, platforms } from '../../emulated-core/c-program.js';
import { defineInteger, graphOf, type Layer, type LayerNode, layerNode } from './weighted-layer.js';

export function holdsOn(layers: Readonly<Record<string, Layer>>): void {
  const named = Object.entries(layers).map(([name, layer], seed) => ({
    name,
    layer,
    node: layerNode(layer, seed + 1),
    op: opNamed(layer.op),
  }));

  it.each(named)('the integers are what their definition says: $name', ({ layer, node, op }) => {
    expect(op.checkQuant(node)).toEqual([]);
    const [y] = op.runInt8(node);
    expect(y).toEqual(defineInteger(layer.op, node));
    expect(new Set(y).size, 'values that tell outputs apart').toBeGreaterThan(layer.fill === undefined ? 1 : 0);
  });

  it.each(named)('a prepared run gives the same for one input after another: $name', ({ layer, node, op }) => {
    const interpreter = createInterpreter(graphOf(layer.op, node));
    const x = node.inputs[0].data!;
    for (const data of [x, x.map((q: number) => ~q), x])
      expect(interpreter.run([data])[0]).toEqual(op.runInt8(withInput(node, data))[0]);
  });

  it.each(named)('float32 is one step of the output scale away at most: $name', ({ layer, node, op }) => {
    const real = op.runFloat32({ ...node, inputs: node.inputs.map((tensor) => tensor && dequantized(tensor)) })[0]!;
    const { scale, zeroPoint } = node.outputs[0]!.quant!;
    const expected = defineInteger(layer.op, node);
    real.forEach((y, i) => {
      const [min, max] = layer.wide ? [-32768, 32767] : [-128, 127];
      const q = Math.min(Math.max(y / scale[0]! + zeroPoint[0]!, min), max);
      // One part in 2^15 of the multiplier is a step at the end of 16 bits.
      expect(Math.abs(q - expected[i]!)).toBeLessThanOrEqual(layer.wide ? 2 : 1);
    });
  });

  for (const [name, platform] of Object.entries<Platform>(platforms).filter(([, { machine }]) => !machine))
    it.skipIf(!canRun(platform))(`the C kernel gives the same bytes: ${name} (needs ${platform.compiler})`, () => {
      const models = named.map(({ layer, node }, i) => ({ name: `case${i}`, graph: graphOf(layer.op, node) }));
      const program = new CProgram(models, platform);
      try {
        const answers = program.run(
          named.map(({ node }, model) => ({ model, inputs: [bytesOf(node.inputs[0].data!)] })),
        );
        named.forEach(({ name: label, node, op }, i) => {
          expect([...answers[i]!.outputs[0]!], label).toEqual([...bytesOf(op.runInt8(node)[0]!)]);
        });
      } finally {
        program.close();
      }
    });
}

const withInput = (node: LayerNode, data: NonNullable<Tensor['data']>): LayerNode => ({
  ...node,
  inputs: [{ ...node.inputs[0], data }, node.inputs[1], node.inputs[2]],
});

function dequantized(tensor: Tensor): Tensor {
  const { scale, zeroPoint, axis } = tensor.quant!;
  const inner = axis === null ? 1 : tensor.shape.slice(axis + 1).reduce((count, size) => count * size, 1);
  const { quant: _, ...rest } = tensor;
  const data = Float32Array.from(
    tensor.data!,
    (q, i) => (q - zeroPoint[0]!) * scale[Math.floor(i / inner) % scale.length]!,
  );
  return { ...rest, dtype: 'float32', data };
}

/** Refusals that the three have in common, on any layer of theirs. */
export function refusesOn(layer: Layer): void {
  const node = layerNode({ ...layer, perTensor: false });
  const op = opNamed(layer.op);
  const faultsWith = (inputs: readonly (Tensor | undefined)[]) => op.checkQuant({ ...node, inputs }).join('; ');
  const [x, weights, bias] = node.inputs;
  const quant = weights.quant!;

  it('refuses asymmetric weights', () =>
    expect(faultsWith([x, { ...weights, quant: { ...quant, zeroPoint: quant.zeroPoint.map(() => 1) } }, bias])).toMatch(
      /asymmetric/,
    ));
  it('refuses scales along another axis, and weights or bias that are not constant', () => {
    const { data: _, ...unknown } = weights;
    const { data: __, ...unknownBias } = bias!;
    expect(faultsWith([x, { ...weights, quant: { ...quant, axis: 1 } }, bias])).toMatch(/one per output channel/);
    expect(faultsWith([x, unknown, unknownBias])).toMatch(/weights "weights" must be constant.*bias "bias" must be/);
  });
  it('refuses a float input, and reports it beside other faults', () => {
    const faults = op.checkQuant({
      ...node,
      inputs: [{ ...x, dtype: 'float32' }, { ...weights, dtype: 'int16' }, bias],
    });
    expect(faults).toHaveLength(2);
  });
  it('refuses what could leave int32: a bias near its end, a shift too far to the left', () => {
    const huge = { ...bias!, data: Int32Array.from(bias!.data!, () => -(2 ** 31)) };
    expect(faultsWith([x, weights, huge])).toMatch(/overflow int32 in output channel 0/);
    const narrow = layerNode({ ...layer, outputScale: 1e-11 });
    expect(op.checkQuant(narrow).join()).toMatch(/overflow int32/);
    expect(op.checkQuant(layerNode({ ...layer, outputScale: 1e-30 })).join()).toMatch(/between 0 and 2\^30/);
  });
  it('counts with the largest |x − zero_point|: weights that only overflow because of it are refused', () => {
    const axis = layer.op === 'depthwise_conv_2d' ? 3 : 0;
    const taps = elementCount(layer.weights) / layer.weights[axis]!;
    const target = (6 * 2 ** 31) / (taps * 127 * 131); // effective scale; without the 131 nothing would overflow
    const narrow = { ...layer, fill: 127, bias: false as const, outputScale: (0.05 * 0.003) / target };
    expect(op.checkQuant(layerNode(narrow)).join()).toMatch(/overflow int32/);
    expect(op.checkQuant(layerNode({ ...narrow, outputScale: narrow.outputScale * 131 }))).toEqual([]);
  });
  it('refuses shapes that do not fit', () => {
    const shortBias = { ...bias!, shape: [bias!.shape[0]! + 1] };
    expect(() => op.inferShape([x, weights, shortBias], node.attrs)).toThrow(
      expect.objectContaining({ code: 'E_SHAPE' }),
    );
    const flat = { ...weights, shape: [7] };
    expect(() => op.inferShape([x, flat, bias], node.attrs)).toThrow(expect.objectContaining({ code: 'E_SHAPE' }));
  });
}
