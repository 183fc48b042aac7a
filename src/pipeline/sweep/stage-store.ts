/** Finished jobs in a folder, by their ids: an interrupted sweep goes on from them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileWhole } from '../../files/write-file.js';
import type { JobResult } from './job.js';

export interface StageStore {
  get(id: string): JobResult | undefined;
  /** @throws ThimbleError E_FILE */
  put(id: string, result: JobResult, about: object): void;
}

export function stagesIn(folder: string): StageStore {
  const fileOf = (id: string): string => join(folder, `${id}.json`);
  return {
    get(id) {
      const file = fileOf(id);
      if (!existsSync(file)) return undefined;
      try {
        const { id: written, result } = JSON.parse(readFileSync(file, 'utf8')) as { id: string; result: JobResult };
        return written === id ? result : undefined;
      } catch {
        return undefined; // damaged: computed anew
      }
    },
    put: (id, result, about) => writeFileWhole(fileOf(id), `${JSON.stringify({ id, ...about, result })}\n`),
  };
}
