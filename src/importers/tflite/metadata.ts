/** The metadata entry THIMBLE of a .tflite: labels, preprocessing, recipe and hashes as JSON. */
import { z } from 'zod';
import { ThimbleError } from '../../core/errors.js';
import type { ModelMetadata } from '../../core/graph.js';
import type { FlatTable } from './flat-table.js';
import { field, metadataName } from './schema.js';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const finiteNumbers = z.array(z.number()).min(1);

// Keys that a later Thimble may add are dropped; a known key of the wrong kind is damage.
const schema = z.object({
  labels: z.array(z.string()).exactOptional(),
  preprocessing: z.object({ scale: finiteNumbers, offset: finiteNumbers }).exactOptional(),
  recipe: z.object({ name: z.string(), sha256 }).exactOptional(),
  source: z.object({ modelSha256: sha256, dataSha256: sha256.exactOptional() }).exactOptional(),
  seed: z.number().exactOptional(),
});

/**
 * undefined where the model has no such entry.
 * @throws ThimbleError E_MODEL_FORMAT for an entry that is damaged
 */
export function readMetadata(entries: readonly FlatTable[], buffers: readonly FlatTable[]): ModelMetadata | undefined {
  const entry = entries.find((candidate) => candidate.string(field.metadata.name) === metadataName);
  if (!entry) return undefined;
  const bytes = buffers[entry.uint32(field.metadata.buffer)]?.bytes(field.buffer.bytes);
  try {
    return schema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch (cause) {
    throw new ThimbleError(
      'E_MODEL_FORMAT',
      `the model's ${metadataName} metadata is damaged`,
      'Make the model again with thimble compress, or copy the file again.',
      { where: `in the metadata entry "${metadataName}"`, cause },
    );
  }
}
