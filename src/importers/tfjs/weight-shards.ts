/** The weights of a TensorFlow.js model: shards beside model.json, concatenated, in the manifest's order. */
import { ThimbleError } from '../../core/errors.js';
import { float16 } from '../../core/float16.js';
import { elementCount, type Shape } from '../../core/tensor.js';
import { brokenTopology, isObject, type Json } from '../keras/config.js';
import type { StoredWeight } from '../keras/weights.js';
import type { ModelFile } from '../model-file.js';

const bytesOf: Readonly<Record<string, number>> = { float32: 4, float16: 2, int32: 4, uint16: 2, uint8: 1, bool: 1 };

/** @throws ThimbleError E_MODEL_FORMAT; E_FILE where a shard is missing */
export function readWeightShards(file: ModelFile, manifest: unknown): readonly StoredWeight[] {
  if (!Array.isArray(manifest))
    throw new ThimbleError('E_MODEL_FORMAT', 'model.json lists no weights (weightsManifest)', [
      'Save the model with model.save("downloads://model") or model.save("file://…") and keep all files together.',
    ]);
  return manifest.flatMap((group: unknown) => {
    if (!isObject(group) || !Array.isArray(group['paths']) || !Array.isArray(group['weights']))
      throw brokenTopology('an entry of weightsManifest');
    return splitGroup(concatenate(group['paths'].map((path) => shard(file, path))), group['weights']);
  });
}

function shard(file: ModelFile, path: unknown): Uint8Array {
  if (typeof path !== 'string' || path === '' || /^(\w+:|[\\/])|\.\.|\0/.test(path))
    throw brokenTopology(`the weight file "${String(path)}" does not lie beside model.json`);
  return file.sibling(path);
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function splitGroup(bytes: Uint8Array, weights: readonly unknown[]): readonly StoredWeight[] {
  let at = 0;
  return weights.map((json) => {
    const spec = weightSpec(json);
    const begin = at;
    at += elementCount(spec.shape) * bytesOf[spec.stored]!;
    if (!(at <= bytes.length))
      throw new ThimbleError(
        'E_MODEL_FORMAT',
        `the weight files end at byte ${bytes.length}, within "${spec.name}", which ends at ${at}`,
        'Copy all weight files (group1-shard1of1.bin …) again, together with model.json.',
      );
    const content = bytes.subarray(begin, at);
    return { path: spec.name.split('/'), shape: spec.shape, read: () => decode(content, spec) };
  });
}

interface WeightSpec {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: string; // of the weight
  readonly stored: string; // of its bytes
  readonly scale: number; // real = stored · scale + min
  readonly min: number;
}

function weightSpec(json: unknown): WeightSpec {
  if (!isObject(json)) throw brokenTopology('a weight of weightsManifest');
  const { name, shape, dtype, quantization } = json;
  if (typeof name !== 'string' || typeof dtype !== 'string') throw brokenTopology('a weight without name or dtype');
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0))
    throw brokenTopology(`the shape of weight "${name}"`);
  const quantized: Json = isObject(quantization) ? quantization : {};
  const stored = quantized['dtype'] ?? dtype;
  if (typeof stored !== 'string' || !Object.hasOwn(bytesOf, stored) || !Object.hasOwn(bytesOf, dtype))
    throw brokenTopology(`weight "${name}" is of type ${dtype}, stored as ${String(stored)}`);
  const { scale = 1, min = 0 } = quantized;
  if (typeof scale !== 'number' || typeof min !== 'number') throw brokenTopology(`the scale of weight "${name}"`);
  return { name, shape, dtype, stored, scale, min };
}

function decode(bytes: Uint8Array, { stored, scale, min, shape }: WeightSpec): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const element: (i: number) => number =
    stored === 'float32'
      ? (i) => view.getFloat32(4 * i, true)
      : stored === 'float16'
        ? (i) => float16(view.getUint16(2 * i, true))
        : stored === 'int32'
          ? (i) => view.getInt32(4 * i, true)
          : stored === 'uint16'
            ? (i) => view.getUint16(2 * i, true) * scale + min
            : (i) => view.getUint8(i) * scale + min;
  return Float32Array.from({ length: elementCount(shape) }, (_, i) => element(i));
}
