/** Every model format that Thimble reads, one line each; tests compare this list with the folders beside it. */
import type { Graph } from '../core/graph.js';
import { kerasImporter } from './keras/keras.js';
import type { Importer, ModelFile } from './model-file.js';
import { tfjsImporter } from './tfjs/tfjs.js';
import { tfliteImporter } from './tflite/tflite.js';
import { unknownFormat } from './unknown-format.js';

export type { Importer, ModelFile } from './model-file.js';

export const importers: readonly Importer[] = [tfliteImporter, kerasImporter, tfjsImporter];

/**
 * Reads a model of any known format, told apart by content.
 * @throws ThimbleError E_MODEL_FORMAT for an unknown or damaged file, E_UNSUPPORTED_OP, E_UNSUPPORTED_MODEL,
 *   E_NOT_FINITE, E_SHAPE
 */
export async function importModel(file: ModelFile): Promise<Graph> {
  const importer = importers.find((candidate) => candidate.matches(file));
  if (!importer) throw unknownFormat(file, importers);
  return importer.read(file);
}
