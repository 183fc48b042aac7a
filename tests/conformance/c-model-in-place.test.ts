/** The portable convolutions over their own input: rows of the output take the place of rows that are still needed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Graph } from '../../src/core/graph.js';
import { byteCount } from '../../src/core/tensor.js';
import { chooseImplementations } from '../../src/plan/choose-implementations.js';
import { planMemory } from '../../src/plan/plan-memory.js';
import { bytesOf, CProgram, canRun, platforms, strictFlags } from '../emulated-core/c-program.js';
import { randomBytes, referenceOf } from '../unit/ops/random-ops.js';
import { graphOf, type Layer, layerNode } from '../unit/ops/weighted-layer.js';

const size = fc.integer({ min: 1, max: 7 });
const few = fc.integer({ min: 1, max: 3 });
const layers = fc
  .record({
    op: fc.constantFrom('conv_2d', 'depthwise_conv_2d' as const),
    height: size,
    width: size,
    channels: fc.integer({ min: 1, max: 6 }),
    outputs: fc.integer({ min: 1, max: 9 }),
    filter: fc.tuple(few, few),
    stride: fc.tuple(few, few),
    dilation: fc.tuple(few, few),
    padding: fc.constantFrom('SAME', 'VALID'),
    inputZeroPoint: fc.constantFrom(-128, 0, 127, -3),
  })
  .map(({ op, height, width, channels, outputs, filter, stride, dilation, padding, inputZeroPoint }): Layer => {
    const multiplier = 1 + (outputs % 3);
    const reach = filter.map((taps, axis) => (taps - 1) * dilation[axis]! + 1);
    return {
      op: op as Layer['op'],
      // VALID windows must fit
      input: [1, Math.max(height, reach[0]!), Math.max(width, reach[1]!), channels],
      weights: op === 'conv_2d' ? [outputs, ...filter, channels] : [1, ...filter, channels * multiplier],
      attrs: { stride, dilation, padding, ...(op !== 'conv_2d' && { depthMultiplier: multiplier }) },
      inputZeroPoint,
    };
  });

const choice = { accept: ({ variant }: { variant: string }) => variant === 'portable_window' };
const graphs: readonly Graph[] = fc.sample(layers, { numRuns: 120, seed: 11 }).map((layer, seed) => {
  const either: Layer = seed % 3 === 1 ? { ...layer, wide: 'int64' } : layer; // rows of int16 too
  return graphOf(either.op, layerNode(either, seed + 1));
});

describe('convolutions over their own input', () => {
  it('take one place for both', () => {
    for (const graph of graphs) {
      const { implementations } = chooseImplementations(graph, 'generic', choice);
      expect(planMemory(graph, { needs: implementations }).inPlace).toHaveLength(1);
    }
  });

  const { sanitizers } = platforms;
  const strict = { ...sanitizers, flags: [...sanitizers.flags, ...strictFlags] };
  it.skipIf(!canRun(strict))('compute what they would compute apart (needs gcc)', () => {
    const models = graphs.map((graph, i) => ({ name: `op${i}`, graph }));
    const program = new CProgram(models, strict, { choice });
    try {
      const inputs = graphs.map(({ tensors }) => {
        const bytes = randomBytes(byteCount(tensors.get('x')!));
        return tensors.get('x')!.dtype === 'int16' ? new Int16Array(bytes.buffer) : bytes;
      });
      const answers = program.run(inputs.map((input, model) => ({ model, inputs: [bytesOf(input)] })));
      const wrong = graphs.filter((graph, i) => {
        const expected = bytesOf(referenceOf(graph, [inputs[i]!])[0]!);
        return Buffer.compare(Buffer.from(answers[i]!.outputs[0]!), Buffer.from(expected)) !== 0;
      });
      expect(wrong.map(({ nodes: [node] }) => node)).toEqual([]);
    } finally {
      program.close();
    }
  });
});
