/** What a layer's conversion sees: its configuration, weights and inputs, and short ways to write nodes. */
import { ThimbleError } from '../../core/errors.js';
import { elementCount, type HeightWidth, type Shape, shapeText } from '../../core/tensor.js';
import type { Activation } from '../../ops/activation.js';
import type { LayerConfig } from './config.js';
import type { GraphBuilder } from './graph-builder.js';
import type { KerasLayer } from './topology.js';
import type { Weight, WeightStore } from './weights.js';

export interface WindowOptions {
  readonly stride: HeightWidth;
  readonly padding: 'SAME' | 'VALID';
}

/** A layer that Thimble has nothing for: what it is, and what to use instead. */
export interface LayerFault {
  readonly what: string;
  readonly wayOut: string;
}

/** How one Keras layer class becomes nodes. */
export interface LayerKind {
  /** Told from the configuration alone, so that a whole model is reported at once. */
  fault?(config: LayerConfig): LayerFault | undefined;
  /** @returns the tensor with the layer's result, which may be its input */
  convert(call: LayerCall): string;
}

export class LayerCall {
  readonly config: LayerConfig;

  constructor(
    readonly builder: GraphBuilder,
    readonly layer: KerasLayer,
    readonly inputs: readonly string[],
    private readonly path: readonly string[], // model names around the layer, and its own
    private readonly weights: WeightStore,
    private readonly shared: Map<string, string>, // constants of layers that are called more than once
  ) {
    this.config = layer.config;
  }

  /** The only or first input. */
  get input(): string {
    const [input] = this.inputs;
    if (input === undefined) throw this.mismatch('it has no input');
    return input;
  }

  shape(tensor = this.input): Shape {
    return this.builder.shapeOf(tensor);
  }

  /** @throws ThimbleError E_MODEL_FORMAT where the file lacks it, E_SHAPE for another rank, E_NOT_FINITE */
  weight(rank: number, ...shortNames: readonly string[]): Weight {
    const weight = this.optionalWeight(...shortNames);
    if (!weight)
      throw new ThimbleError(
        'E_MODEL_FORMAT',
        `the file holds no weight "${shortNames[0]}" for layer "${this.layer.name}" (${this.layer.className})`,
        ['Save the whole model with model.save(), after it was built.', 'Check that all weight shards were copied.'],
      );
    if (weight.shape.length !== rank || elementCount(weight.shape) === 0)
      throw this.mismatch(`its weight "${shortNames[0]}" has the shape ${shapeText(weight.shape)}`);
    return weight;
  }

  optionalWeight(...shortNames: readonly string[]): Weight | undefined {
    return this.weights.find(this.path, shortNames);
  }

  /** A constant of this layer; made once, however often the layer is called. */
  constant(short: string, shape: Shape, make: () => Float32Array | Int32Array): string {
    const key = [...this.path, short].join('/');
    const known = this.shared.get(key);
    if (known !== undefined && this.shape(known).join() === shape.join()) return known;
    const added = this.builder.constant(`${this.layer.name}/${short}`, shape, make());
    this.shared.set(key, added);
    return added;
  }

  node(op: string, inputs: readonly string[], attrs: Readonly<Record<string, unknown>> = {}): string {
    return this.builder.node(`${this.layer.name}/${op}`, op, inputs, attrs);
  }

  /** add, sub, mul; the second operand may be a constant that broadcasts. */
  arithmetic(op: 'add' | 'sub' | 'mul', a: string, b: string, activation: Activation = 'none'): string {
    return this.node(op, [a, b], { activation });
  }

  /** x · scale + offset with one value for all, or one per channel of the last axis; 1 and 0 are left out. */
  affine(x: string, scale: Float32Array, offset: Float32Array, label = ''): string {
    const named = (word: string): string => (label === '' ? word : `${label}_${word}`);
    const scaled = scale.every((value) => value === 1)
      ? x
      : this.arithmetic(
          'mul',
          x,
          this.constant(named('scale'), [scale.length], () => scale),
        );
    return offset.every((value) => value === 0)
      ? scaled
      : this.arithmetic(
          'add',
          scaled,
          this.constant(named('offset'), [offset.length], () => offset),
        );
  }

  reshape(x: string, shape: Shape): string {
    return this.builder.reshape(this.layer.name, x, shape);
  }

  pad(x: string, paddings: readonly HeightWidth[]): string {
    if (paddings.flat().every((count) => count === 0)) return x;
    const values = Int32Array.from(paddings.flat());
    return this.node('pad', [x, this.constant('paddings', [paddings.length, 2], () => values)]);
  }

  mean(x: string, axes: readonly number[], keepDims: boolean): string {
    return this.node('mean', [x, this.constant('axes', [axes.length], () => Int32Array.from(axes))], { keepDims });
  }

  /**
   * Lets a layer on [1, length, channels] work on [1, 1, length, channels], where convolutions and pools are defined;
   * the reshapes between two such layers cancel later.
   */
  through4d(x: string, work: (x: string) => string): string {
    const shape = this.shape(x);
    if (shape.length === 4) return work(x);
    if (shape.length !== 3) throw this.mismatch(`it gets ${shapeText(shape)}, not an image or a sequence`);
    const [batch = 1, length = 1, channels = 1] = shape;
    const y = work(this.reshape(x, [batch, 1, length, channels]));
    const [, , newLength = 1, newChannels = 1] = this.shape(y);
    return this.reshape(y, [batch, newLength, newChannels]);
  }

  mismatch(what: string): ThimbleError {
    return new ThimbleError(
      'E_SHAPE',
      `layer "${this.layer.name}" (${this.layer.className}) does not fit its surroundings: ${what}`,
      'Save the model again with model.save(); description and weights may come from different versions.',
      { where: `at layer "${this.path.join('/')}"` },
    );
  }
}
