/** The networks that the compression benches train from scratch, by their published shapes, with seeded weights (He). */
import type { Graph } from '../../../src/core/graph.js';
import { seededRandom } from '../../../src/core/seeded-random.js';
import { elementCount, type Shape } from '../../../src/core/tensor.js';
import { GraphBuilder } from '../../../src/importers/keras/graph-builder.js';

/** Layers one after another; a name is given once and is the prefix of all that the layer consists of. */
class Layers {
  readonly builder = new GraphBuilder();
  private readonly random: () => number;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  conv(name: string, x: string, filters: number, kernel: readonly [number, number], stride = 1, activation = 'relu') {
    const channels = this.builder.shapeOf(x).at(-1)!;
    const weights = this.weights(name, [filters, ...kernel, channels], channels * kernel[0] * kernel[1]);
    const attrs = { stride: [stride, stride], padding: 'SAME', activation };
    return this.builder.node(name, 'conv_2d', [x, weights, this.zeros(name, filters)], attrs);
  }

  depthwise(name: string, x: string): string {
    const channels = this.builder.shapeOf(x).at(-1)!;
    const operands = [x, this.weights(name, [1, 3, 3, channels], 9), this.zeros(name, channels)];
    const attrs = { stride: [1, 1], padding: 'SAME', activation: 'relu', depthMultiplier: 1 };
    return this.builder.node(name, 'depthwise_conv_2d', operands, attrs);
  }

  pool(name: string, op: 'max_pool_2d' | 'average_pool_2d', x: string, filter: readonly [number, number]): string {
    return this.builder.node(name, op, [x], { filter, stride: filter, padding: 'VALID', activation: 'none' });
  }

  /** Flattens, then classifies. */
  classifier(x: string, classes: number): string {
    const count = elementCount(this.builder.shapeOf(x));
    const flat = this.builder.reshape('flat', x, [1, count]);
    const operands = [flat, this.weights('dense', [classes, count], count), this.zeros('dense', classes)];
    const logits = this.builder.node('dense', 'fully_connected', operands, { activation: 'none' });
    return this.builder.node('softmax', 'softmax', [logits], { beta: 1 });
  }

  /** Normal, variance 2 / inputs: keeps the size of activations through layers that end in a relu. */
  private weights(name: string, shape: Shape, inputs: number): string {
    const deviation = Math.sqrt(2 / inputs);
    const data = Float32Array.from({ length: elementCount(shape) }, () => deviation * this.normal());
    return this.builder.constant(`${name}/weights`, shape, data);
  }

  private zeros(name: string, count: number): string {
    return this.builder.constant(`${name}/bias`, [count], new Float32Array(count));
  }

  /** Box–Muller. */
  private normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.random())) * Math.cos(2 * Math.PI * this.random());
  }
}

/** MLPerf Tiny's keyword spotter: 49 × 10 coefficients, 4 depthwise-separable blocks of 64 channels. */
export function dsCnn(classes: number, seed: number): Graph {
  const layers = new Layers(seed);
  const input = layers.builder.input('input', [1, 49, 10, 1]);
  let x = layers.conv('stem', input, 64, [10, 4], 2);
  for (let block = 1; block <= 4; block++)
    x = layers.conv(`point_${block}`, layers.depthwise(`depth_${block}`, x), 64, [1, 1]);
  const pooled = layers.pool('pool', 'average_pool_2d', x, [25, 5]);
  return layers.builder.build('ds-cnn', [input], [layers.classifier(pooled, classes)]);
}

/** MLPerf Tiny's image classifier: three residual stacks of 16, 32 and 64 channels on 32 × 32 × 3. */
export function resNet8(classes: number, seed: number): Graph {
  const layers = new Layers(seed);
  const input = layers.builder.input('input', [1, 32, 32, 3]);
  let x = layers.conv('stem', input, 16, [3, 3]);
  for (const [stack, filters] of [16, 32, 64].entries()) {
    const stride = stack === 0 ? 1 : 2;
    const inner = layers.conv(`conv_${stack}a`, x, filters, [3, 3], stride);
    const outer = layers.conv(`conv_${stack}b`, inner, filters, [3, 3], 1, 'none');
    const shortcut = stack === 0 ? x : layers.conv(`shortcut_${stack}`, x, filters, [1, 1], stride, 'none');
    x = layers.builder.node(`add_${stack}`, 'add', [shortcut, outer], { activation: 'relu' });
  }
  const pooled = layers.pool('pool', 'average_pool_2d', x, [8, 8]);
  return layers.builder.build('resnet-8', [input], [layers.classifier(pooled, classes)]);
}

/** Two convolutions and a dense layer on 28 × 28: what a first lesson on digits trains. */
export function smallCnn(classes: number, seed: number): Graph {
  const layers = new Layers(seed);
  const input = layers.builder.input('input', [1, 28, 28, 1]);
  const first = layers.pool('pool_1', 'max_pool_2d', layers.conv('conv_1', input, 8, [3, 3]), [2, 2]);
  const second = layers.pool('pool_2', 'max_pool_2d', layers.conv('conv_2', first, 16, [3, 3]), [2, 2]);
  return layers.builder.build('small-cnn', [input], [layers.classifier(second, classes)]);
}
