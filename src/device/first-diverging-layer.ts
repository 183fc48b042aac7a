/** Where a board's arithmetic leaves the reference's. */
import type { Latency } from '../core/reading.js';
import type { TypedArray } from '../core/tensor.js';
import { crc32 } from './crc32.js';

/** What `layers%` says of one original operator. */
export interface DeviceLayer {
  readonly layer: number;
  readonly bytes: number; // of its first output
  readonly crc: number;
  readonly latency: Latency;
}

export interface Divergence {
  readonly layer: number;
  readonly reason: 'bytes' | 'size' | 'missing';
}

/**
 * The first operator whose output differs, by checksum; undefined where all agree.
 * @param reference every original operator's first output, as Engine.runLayers gives them
 */
export function firstDivergingLayer(
  device: readonly Pick<DeviceLayer, 'layer' | 'bytes' | 'crc'>[],
  reference: readonly TypedArray[],
): Divergence | undefined {
  const byLayer = new Map(device.map((layer) => [layer.layer, layer]));
  for (const [layer, values] of reference.entries()) {
    const measured = byLayer.get(layer);
    if (!measured) return { layer, reason: 'missing' };
    if (measured.bytes !== values.byteLength) return { layer, reason: 'size' };
    if (measured.crc !== crc32(bytesOf(values))) return { layer, reason: 'bytes' };
  }
  return undefined;
}

/** The values' bytes as they lie in memory: little-endian, as on every board that Thimble knows. */
export const bytesOf = (values: TypedArray): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
