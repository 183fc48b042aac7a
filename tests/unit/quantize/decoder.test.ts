/** A network that enlarges, cuts, joins and compares: from float32 to int8, to a .tflite, and into somebody else's runtime. */
import { describe, expect, it } from 'vitest';
import { type Graph, tensorOf } from '../../../src/core/graph.js';
import { quantizeValue } from '../../../src/core/real-to-int8.js';
import { perTensorQuant } from '../../../src/core/tensor.js';
import { emitTflite } from '../../../src/emit/tflite.js';
import { tfliteRuntimeEngine } from '../../../src/engines/tflite-runtime.js';
import { importTflite } from '../../../src/importers/tflite/tflite.js';
import { createInterpreter } from '../../../src/interpret/interpreter.js';
import { simplify } from '../../../src/passes/index.js';
import { quantizeGraph } from '../../../src/quantize/quantize-graph.js';
import { a8w8 } from '../../../src/quantize/recipe.js';
import { randomValues, SampleGraph } from '../train/sample-graphs.js';

const none = { activation: 'none' };
const shape = [1, 6, 5, 3];

function decoder(): Graph {
  const g = new SampleGraph(shape);
  const [first, second] = g.nodes('split_v', [g.conv(g.input, [8, 3, 3, 3]), g.ints([5, 3]), g.ints([-1])], {
    count: 2,
  });
  const window = { stride: [2, 2], padding: 'SAME', outputSize: [12, 10], activation: 'relu' };
  const larger = g.node('transpose_conv', [first!, g.floats([4, 3, 3, 5]), g.floats([4])], window);
  const resized = g.node('resize_nearest_neighbor', [second!, g.ints([12, 10])], {
    alignCorners: false,
    halfPixelCenters: true,
  });
  const bent = g.node('prelu', [g.conv(resized, [4, 1, 1, 3], none), g.floats([1, 1, 4])], none);
  const best = g.node('minimum', [g.node('maximum', [larger, bent]), g.floats([1], Float32Array.of(2))]);
  const cropped = g.node('slice', [best, g.ints([0, 1, 1, 0]), g.ints([1, 10, 8, 4])]);
  return g.build(g.conv(g.node('transpose', [cropped, g.ints([0, 2, 1, 3])]), [2, 3, 3, 4], none));
}

describe('a decoder in int8', async () => {
  const { graph: float } = simplify(decoder());
  const samples = Array.from({ length: 24 }, (_, i) => [randomValues(shape, 50 + i)]);
  const { int8 } = await quantizeGraph(float, samples, a8w8);
  const input = perTensorQuant(tensorOf(int8, int8.inputs[0]!));
  const output = perTensorQuant(tensorOf(int8, int8.outputs[0]!));
  const bytesOf = (values: Float32Array): Int8Array =>
    Int8Array.from(values, (x) => quantizeValue(x, input.scale, input.zeroPoint));

  it('stays within some steps of the float32 network', () => {
    const [real, integer] = [createInterpreter(float), createInterpreter(int8)];
    for (const [values] of samples) {
      const expected = real.run([values!])[0]!;
      const actual = integer.run([bytesOf(values!)])[0]!;
      const errors = Array.from(expected, (x, i) => x / output.scale + output.zeroPoint - actual[i]!);
      const square = errors.reduce((sum, error) => sum + error * error, 0) / errors.length;
      expect(Math.sqrt(square)).toBeLessThan(1.5);
    }
  });

  it('is the same when its .tflite is read back', () => {
    const read = importTflite(emitTflite(int8), int8.name);
    expect(read.nodes.map(({ op }) => op)).toEqual(int8.nodes.map(({ op }) => op));
    expect(emitTflite(importTflite(emitTflite(read)))).toEqual(emitTflite(read));
    const bytes = bytesOf(samples[0]![0]!);
    expect(createInterpreter(read).run([bytes])).toEqual(createInterpreter(int8).run([bytes]));
  });

  it('runs in the TFLite runtime, which rounds once where TFLite Micro rounds twice', async () => {
    const engine = await tfliteRuntimeEngine(emitTflite(int8));
    for (const [values] of samples.slice(0, 4)) {
      const [actual] = await engine.run([bytesOf(values!)]);
      const [expected] = createInterpreter(int8).run([bytesOf(values!)]);
      const worst = Math.max(...Array.from(expected!, (q, i) => Math.abs(q - actual![i]!)));
      expect(worst).toBeLessThanOrEqual(2);
    }
    await engine.close();
  });
});
