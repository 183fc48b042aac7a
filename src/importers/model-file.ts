/** What an importer gets and what it is. Importers are pure: the edge reads files, they read bytes. */
import type { Graph } from '../core/graph.js';

export interface ModelFile {
  readonly name: string; // file name without folders: 'kws.tflite'
  readonly bytes: Uint8Array;
  /**
   * The bytes of a file that lies beside this one and that it names, such as a weight shard of a TF.js model.
   * The edge refuses paths that leave the model's folder.
   * @throws ThimbleError E_FILE
   */
  sibling(path: string): Uint8Array;
}

export interface Importer {
  readonly name: string; // of its folder: 'tflite'
  readonly reads: string; // for people: 'TensorFlow Lite (.tflite)'
  /** Told by the bytes; the file's name only decides where the bytes leave it open. Never throws. */
  matches(file: ModelFile): boolean;
  /** @throws ThimbleError for whatever a damaged or unsupported file holds; never anything else */
  read(file: ModelFile): Graph | Promise<Graph>;
}
