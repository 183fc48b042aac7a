/** The texts of the C kernels that ship with the package: beside each operator's code, and in the shared runtime. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageFolder } from '../files/package-folder.js';

// The folder above is src in development and dist once built; both hold ops/** with the headers.
const opsFolder = join(dirname(fileURLToPath(import.meta.url)), '..', 'ops');
const runtimeFolder = join(packageFolder, 'firmware-templates', 'runtime');

let paths: ReadonlyMap<string, string> | undefined;
const texts = new Map<string, string>();

/** The text of a kernel header, by file name ("thimble_conv_2d.h"), as emitCModel wants it. */
export function kernelText(file: string): string {
  const known = texts.get(file);
  if (known !== undefined) return known;
  paths ??= findKernels();
  const path = paths.get(file);
  if (path === undefined) throw new TypeError(`no kernel header "${file}" in ${opsFolder} or ${runtimeFolder}`);
  const text = readFileSync(path, 'utf8');
  texts.set(file, text);
  return text;
}

/** Every kernel header by name; names are unique, for #include knows them by name only. */
export function findKernels(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const folder of [runtimeFolder, opsFolder]) {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/^thimble_\w+\.h$/.test(entry.name)) continue;
      const path = join(entry.parentPath, entry.name);
      const other = found.get(entry.name);
      if (other !== undefined) throw new TypeError(`two kernel headers have one name: ${other} and ${path}`);
      found.set(entry.name, path);
    }
  }
  return found;
}
