/** The files of firmware-templates, with @NAMES@ filled in where a file's name ends in .in. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EmittedFile } from '../../core/emitted-file.js';
import { packageFolder } from '../../files/package-folder.js';

export type Values = Readonly<Record<string, string>>;

const templates = join(packageFolder, 'firmware-templates');

/** Every file below a folder of firmware-templates, by its path there; `.in` is taken off the names of filled ones. */
export function templateFiles(folder: string, values: Values): readonly EmittedFile[] {
  return readdirSync(join(templates, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => {
      const path = file.slice(join(templates, folder).length + 1).replaceAll('\\', '/');
      const text = readFileSync(file, 'utf8');
      return path.endsWith('.in')
        ? { path: path.slice(0, -3), content: fill(text, values, path) }
        : { path, content: text };
    });
}

export const templateText = (file: string): string => readFileSync(join(templates, file), 'utf8');

/**
 * A line that holds nothing but one empty value goes away with it.
 * @throws TypeError for a name without a value: a slip in the template
 */
export function fill(text: string, values: Values, where: string): string {
  return text
    .split('\n')
    .filter((line) => {
      const only = /^\s*@([A-Z0-9_]+)@\s*$/.exec(line)?.[1];
      return only === undefined || values[only] !== '';
    })
    .join('\n')
    .replace(/@([A-Z0-9_]+)@/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined) throw new TypeError(`${where}: no value for @${name}@`);
      return value;
    });
}

/**
 * The sources that all sketches share, flat: model, runtime, binding and the sketch's logic.
 * @param binding model_binding.c; null for a template that brings another
 */
export function sharedSources(modelFiles: readonly EmittedFile[], binding: string | null): readonly EmittedFile[] {
  const runtime = ['runtime', 'sketch'].flatMap((folder) =>
    readdirSync(join(templates, folder))
      .filter((file) => /^thimble_\w+\.[ch]$/.test(file) && !KERNEL_HEADERS.has(file))
      .sort()
      .map((path) => ({ path, content: readFileSync(join(templates, folder, path), 'utf8') })),
  );
  return [...modelFiles, ...runtime, ...(binding === null ? [] : [{ path: 'model_binding.c', content: binding }])];
}

/** They travel with the emitted model, under its name. */
const KERNEL_HEADERS = new Set(['thimble_base.h', 'thimble_fixed_point.h']);

export const below = (folder: string, files: readonly EmittedFile[]): readonly EmittedFile[] =>
  files.map(({ path, content }) => ({ path: `${folder}/${path}`, content }));
