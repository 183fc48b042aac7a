/** A layer's configuration as Keras 2, Keras 3 and TensorFlow.js write it, read with a check of every type. */
import { ThimbleError } from '../../core/errors.js';
import type { HeightWidth } from '../../core/tensor.js';

export type Json = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const brokenTopology = (what: string): ThimbleError =>
  new ThimbleError('E_MODEL_FORMAT', `the model's layer description is damaged: ${what}`, [
    'Save the model again with model.save().',
    'If a tool edited the file, give Thimble the file as Keras or TensorFlow.js wrote it.',
  ]);

/** Keys are snake_case; some TensorFlow.js versions wrote camelCase, which is found too. */
export class LayerConfig {
  constructor(
    readonly layerName: string,
    readonly json: Json,
    readonly isKeras3: boolean,
  ) {}

  /** Undefined where absent or null. */
  value(key: string): unknown {
    const camel = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    return this.json[key] ?? this.json[camel] ?? undefined;
  }

  string(key: string, fallback: string): string {
    const value = this.value(key) ?? fallback;
    if (typeof value !== 'string') throw this.wrong(key, 'text');
    return value;
  }

  number(key: string, fallback: number): number {
    const value = this.value(key) ?? fallback;
    if (typeof value !== 'number' || !Number.isFinite(value)) throw this.wrong(key, 'a number');
    return value;
  }

  boolean(key: string, fallback: boolean): boolean {
    const value = this.value(key) ?? fallback;
    if (typeof value !== 'boolean') throw this.wrong(key, 'true or false');
    return value;
  }

  /** One number or a list of them. */
  numbers(key: string): readonly number[] {
    const value = this.value(key);
    const list = Array.isArray(value) ? value.flat(2) : value === undefined ? [] : [value];
    if (!list.every((item): item is number => typeof item === 'number' && Number.isFinite(item)))
      throw this.wrong(key, 'numbers');
    return list;
  }

  /** A stride, pool size or dilation: 2 or [2, 2]; a one-dimensional layer's value is the width. */
  window(key: string, dimensions: 1 | 2, fallback: HeightWidth): HeightWidth {
    const list = this.numbers(key);
    if (list.length === 0) return fallback;
    if (list.length > dimensions || !list.every((size) => Number.isInteger(size) && size >= 1 && size < 65536))
      throw this.wrong(key, `${dimensions} whole numbers above 0`);
    const [first = 1, second = first] = list;
    return dimensions === 1 ? [1, first] : [first, second];
  }

  /** An activation's name, from 'relu', { class_name: 'ReLU' } or Keras 3's function object; 'linear' where absent. */
  activation(): string {
    const value = this.value('activation') ?? 'linear';
    if (typeof value === 'string') return value;
    if (isObject(value)) {
      const { class_name: className, config } = value;
      if (className === 'function' && typeof config === 'string') return config;
      if (typeof className === 'string') return className;
    }
    throw this.wrong('activation', 'the name of a function');
  }

  private wrong(key: string, expected: string): ThimbleError {
    return brokenTopology(`"${key}" of layer "${this.layerName}" should be ${expected}`);
  }
}
