/**
 * Stages of the compression bench: long measurements made of units, each computed once. A unit's result is kept under
 * a hash of all that it was made of, so that an interrupted bench goes on where it stopped, and a changed parameter,
 * data set or program measures anew.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { writeFileWhole } from '../../../src/files/write-file.js';
import { projectFolder } from '../../../tests/shared-folder.js';
import type { Row } from '../row.js';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface Stage {
  readonly name: string; // a word for the command line
  readonly title: string;
  readonly notes?: string; // printed below the table
  /** A stage that lacks its input says so in a row: { skipped: 'needs ../shared' }. */
  run(units: Units): Promise<readonly Row[]>;
}

export interface Units {
  /** Of the stage, for checkpoints and other files of its own; outside git. */
  readonly folder: string;
  /**
   * @param unit a name for the file, unique in its stage
   * @param madeOf what the result depends on: parameters, hashes of data and of source folders (`hashOf`)
   * @returns what `compute` gave, now or when it was first asked for with the same `madeOf`
   */
  once<T>(unit: string, madeOf: Json, compute: () => Promise<T>): Promise<T>;
  log(line: string): void;
}

/** Where results are kept. Removing a folder or a file below it measures that part anew. */
export const resultsFolder = join(projectFolder, 'build', 'bench-compression');

export function unitsOf(stage: string, log: (line: string) => void): Units {
  const folder = join(resultsFolder, stage);
  return {
    folder,
    log,
    async once<T>(unit: string, madeOf: Json, compute: () => Promise<T>): Promise<T> {
      const hash = createHash('sha256').update(JSON.stringify({ stage, unit, madeOf })).digest('hex').slice(0, 16);
      const file = join(folder, `${unit}-${hash}.json`);
      if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { result: T }).result;
      const [started, cpu] = [performance.now(), process.cpuUsage()];
      log(`${stage}: ${unit} …`);
      const result = await compute();
      const seconds = (performance.now() - started) / 1000;
      const cpuSeconds = process.cpuUsage(cpu).user / 1e6; // of this process alone
      const record = { unit, madeOf, seconds, cpuSeconds, measured: new Date().toISOString(), result };
      writeFileWhole(file, `${JSON.stringify(record, null, 2)}\n`);
      log(`${stage}: ${unit} took ${seconds.toFixed(1)} s`);
      return result;
    },
  };
}

/** One hash over files, or over all TypeScript files below folders; paths are relative to the project. */
export function hashOf(...paths: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of paths.flatMap((path) => filesAt(join(projectFolder, path))))
    hash.update(relative(projectFolder, file)).update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

const filesAt = (path: string): readonly string[] =>
  statSync(path).isDirectory()
    ? readdirSync(path, { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .sort()
        .map((file) => join(path, file))
    : [path];
