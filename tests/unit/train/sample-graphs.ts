/** Small float graphs with seeded weights, for the tests of training and pruning. */
import type { Graph } from '../../../src/core/graph.js';
import { seededRandom } from '../../../src/core/seeded-random.js';
import { elementCount, type Shape } from '../../../src/core/tensor.js';
import { GraphBuilder } from '../../../src/importers/keras/graph-builder.js';

/** Values in −1 … 1. */
export function randomValues(shape: Shape, seed: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: elementCount(shape) }, () => 2 * random() - 1);
}

/** A graph under construction whose constants need no names. */
export class SampleGraph {
  private readonly builder = new GraphBuilder();
  private count = 0;
  readonly input: string;

  constructor(shape: Shape) {
    this.input = this.builder.input('x', shape);
  }

  floats(shape: Shape, values?: Float32Array): string {
    const seed = ++this.count;
    return this.builder.constant(`c${seed}`, shape, values ?? randomValues(shape, seed));
  }

  ints(values: readonly number[], shape: Shape = [values.length]): string {
    return this.builder.constant(`i${++this.count}`, shape, Int32Array.from(values));
  }

  node(op: string, inputs: readonly string[], attrs: Readonly<Record<string, unknown>> = {}): string {
    return this.builder.node(`${op}_${++this.count}`, op, inputs, attrs);
  }

  /** Of an operator with several outputs. */
  nodes(op: string, inputs: readonly string[], attrs: Readonly<Record<string, unknown>>): readonly string[] {
    return this.builder.nodes(`${op}_${++this.count}`, op, inputs, attrs);
  }

  conv(x: string, weights: Shape, attrs: Readonly<Record<string, unknown>> = {}): string {
    const operands = [x, this.floats(weights), this.floats([weights[0]!])];
    return this.node('conv_2d', operands, { stride: [1, 1], padding: 'SAME', activation: 'relu', ...attrs });
  }

  depthwise(x: string, weights: Shape, multiplier = 1, attrs: Readonly<Record<string, unknown>> = {}): string {
    return this.node('depthwise_conv_2d', [x, this.floats(weights), this.floats([weights[3]!])], {
      stride: [1, 1],
      padding: 'SAME',
      activation: 'relu6',
      depthMultiplier: multiplier,
      ...attrs,
    });
  }

  dense(x: string, weights: Shape, activation = 'none'): string {
    return this.node('fully_connected', [x, this.floats(weights), this.floats([weights[0]!])], { activation });
  }

  pool(op: 'max_pool_2d' | 'average_pool_2d', x: string, attrs: Readonly<Record<string, unknown>> = {}): string {
    return this.node(op, [x], { filter: [2, 2], stride: [2, 2], padding: 'VALID', activation: 'none', ...attrs });
  }

  reshape(x: string, shape: Shape): string {
    return this.node('reshape', [x, this.ints(shape)], { newShape: null });
  }

  build(...outputs: string[]): Graph {
    return this.builder.build('sample', [this.input], outputs);
  }
}
