/** Kernel headers that an emitted folder needs, and only those: what they include comes along. */
import type { EmittedFile } from '../../core/emitted-file.js';
import { withPrefix } from './c-name.js';

export type KernelText = (file: string) => string;

/** File names, dependencies first; each once. */
export function kernelClosure(roots: readonly string[], kernelText: KernelText): readonly string[] {
  const ordered: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (ordered.includes(file)) return;
    if (path.includes(file)) throw new TypeError(`kernel headers include each other: ${[...path, file].join(' → ')}`);
    for (const [, included] of kernelText(file).matchAll(/^#include "([^"]+)"/gm)) visit(included!, [...path, file]);
    ordered.push(file);
  };
  for (const root of roots) visit(root, []);
  return ordered;
}

export const emittedKernels = (files: readonly string[], kernelText: KernelText, name: string): EmittedFile[] =>
  files.map((file) => ({ path: withPrefix(file, name), content: withPrefix(kernelText(file), name) }));
