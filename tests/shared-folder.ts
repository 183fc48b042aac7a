/**
 * Real models, golden bytes and data sets that lie beside the project on some machines: ../shared. Tests that need
 * them say so in their name and are skipped where the folder is absent.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectFolder = join(dirname(fileURLToPath(import.meta.url)), '..');
export const sharedPath = (path: string): string => join(projectFolder, '..', 'shared', path);
export const sharedBytes = (path: string): Uint8Array => readFileSync(sharedPath(path));

/** For `describe.skipIf(withoutShared)('… (needs ../shared)', …)`. */
export const withoutShared = !existsSync(sharedPath('golden'));
