/**
 * A training's state after each epoch, so that one that was stopped goes on as if nothing had happened, and its best
 * epoch as a model that can be used meanwhile.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Graph } from '../core/graph.js';
import { emitTflite } from '../emit/tflite.js';
import { writeFileWhole } from '../files/write-file.js';
import type { EpochRecord } from './fine-tune.js';

export interface Checkpoint {
  readonly history: readonly EpochRecord[]; // epoch 0 to the last that is done
  readonly bestEpoch: number;
  readonly best: readonly Float32Array[]; // of TfGraph.snapshot, at the best epoch
  readonly last: readonly Float32Array[]; // after the last epoch
  readonly optimizer: { readonly steps: number; readonly moments: readonly Float32Array[] };
  readonly extra: unknown; // of a quantizer: plain JSON
}

export interface CheckpointStore {
  readonly bestFile: string; // a person finds the best epoch's model there
  /** @param key names the training: another graph, data or option gives another */
  load(key: string): Checkpoint | undefined;
  save(key: string, checkpoint: Checkpoint, best: Graph | null): void; // best: where it is a new one
  /** When the training is through. */
  clear(): void;
}

/** state.json and best.tflite (float32) in a folder of their own. */
export function checkpointIn(folder: string): CheckpointStore {
  const [stateFile, bestFile] = [join(folder, 'state.json'), join(folder, 'best.tflite')];
  return {
    bestFile,
    load(key) {
      if (!existsSync(stateFile)) return undefined;
      try {
        const state = JSON.parse(readFileSync(stateFile, 'utf8'), revive) as { key: string; checkpoint: Checkpoint };
        return state.key === key ? state.checkpoint : undefined;
      } catch {
        return undefined; // damaged: the training begins anew
      }
    },
    save(key, checkpoint, best) {
      if (best) writeFileWhole(bestFile, emitTflite(best));
      writeFileWhole(stateFile, JSON.stringify({ key, checkpoint }, keep));
    },
    clear: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const keep = (_: string, value: unknown): unknown =>
  value instanceof Float32Array
    ? { float32: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') }
    : value;

function revive(_: string, value: unknown): unknown {
  const text = (value as { float32?: unknown } | null)?.float32;
  if (typeof text !== 'string') return value;
  return new Float32Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer);
}

/** A hash of all that decides a training's course. @param parts plain JSON, typed arrays, and graphs */
export function trainingKey(graph: Graph, ...parts: readonly unknown[]): string {
  const hash = createHash('sha256');
  for (const { name, shape, data } of graph.tensors.values()) {
    hash.update(`${name}:${shape.join()};`);
    if (data) hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  for (const part of [graph.nodes, ...parts])
    hash.update(JSON.stringify(part, (_, value: unknown) => (value instanceof Map ? [...value] : value)) ?? 'none');
  return hash.digest('hex');
}
