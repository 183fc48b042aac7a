/** A model file of any known format, read, checked and simplified: what every command starts from. */
import { createHash } from 'node:crypto';
import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { ThimbleError } from '../core/errors.js';
import type { Graph } from '../core/graph.js';
import { checkGraph, tensorOf } from '../core/graph.js';
import type { Shape } from '../core/tensor.js';
import { readFileOf } from '../files/read-file.js';
import { importModel, type ModelFile } from '../importers/index.js';
import { simplify } from '../passes/index.js';

export interface LoadedModel {
  readonly path: string;
  readonly graph: Graph; // simplified if float; exactly as in the file if int8, so that layer numbers are the file's
  readonly kind: 'float32' | 'int8';
  readonly bytes: Uint8Array; // of the main file
  readonly fileBytes: number; // with its weight files
  readonly sha256: string; // of the main file and the weight files it named, in that order
}

/**
 * @param path a model file, or a folder that holds a model.json
 * @throws ThimbleError E_FILE, and whatever the importers throw
 */
export async function loadModel(path: string): Promise<LoadedModel> {
  const main = existsSync(path) && statSync(path).isDirectory() ? join(path, 'model.json') : path;
  const bytes = readFileOf('the model', main);
  const hash = createHash('sha256').update(bytes);
  let fileBytes = bytes.length;
  const file: ModelFile = {
    name: basename(main),
    bytes,
    sibling: (name) => {
      const sibling = readFileOf('the weights', siblingPath(main, name));
      hash.update(sibling);
      fileBytes += sibling.length;
      return sibling;
    },
  };
  const imported = checkGraph(await importModel(file));
  const kind = isFloat(imported) ? 'float32' : 'int8';
  const graph = kind === 'float32' ? simplify(imported).graph : imported;
  return { path: main, graph, kind, bytes, fileBytes, sha256: hash.digest('hex') };
}

const isFloat = (graph: Graph): boolean =>
  ![...graph.tensors.values()].some(
    ({ dtype, quant }) => (dtype === 'int8' || dtype === 'int16') && quant !== undefined,
  );

/** What one sample of the model's first input looks like, without batch; undefined for a model without inputs. */
export function sampleShapeOf({ graph }: Pick<LoadedModel, 'graph'>): Shape | undefined {
  const [input] = graph.inputs;
  return input === undefined ? undefined : tensorOf(graph, input).shape.slice(1);
}

/** A model file may only name files beside or below itself. */
function siblingPath(main: string, name: string): string {
  const folder = realpathSync(dirname(main));
  const path = join(folder, name);
  const inside = relative(folder, existsSync(path) ? realpathSync(path) : path);
  if (inside.startsWith('..') || name.startsWith('/'))
    throw new ThimbleError(
      'E_MODEL_FORMAT',
      `the model names a file outside its own folder: "${name}"`,
      'Put all files of the model into one folder, and mind where you got it from.',
      { where: `in ${main}` },
    );
  return path;
}

/** @throws ThimbleError E_USAGE where a command needs an int8 model */
export function requireInt8(model: LoadedModel, purpose: string): void {
  if (model.kind === 'int8') return;
  throw new ThimbleError(
    'E_USAGE',
    `${basename(model.path)} is a float32 model; ${purpose} takes an int8 one. ${(model.graph.remarks ?? []).join(' ')}`.trimEnd(),
    'Quantize it first: thimble compress MODEL --data DATA -o DIR',
  );
}
