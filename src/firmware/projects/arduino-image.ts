/** What an Arduino build leaves in its output folder, under the sketch's name. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { BoardSpec } from '../../core/board-spec.js';
import { arduinoParts } from './esp-parts.js';
import type { ProjectImage } from './project.js';

/**
 * @param folder the project's
 * @param sketch its name with .ino, as all files in build/ begin
 */
export function arduinoImage(folder: string, sketch: string, board: BoardSpec): ProjectImage | undefined {
  const at = (ending: string): string | undefined => {
    const path = join(folder, 'build', `${sketch}.${ending}`);
    return existsSync(path) ? path : undefined;
  };
  const [elf, hex, bin, uf2] = ['elf', 'hex', 'bin', 'uf2'].map(at);
  if (elf === undefined) return undefined;
  const files = { bootloader: at('bootloader.bin'), partitions: at('partitions.bin'), app: bin };
  const parts = arduinoParts(folder, board, files);
  return { executable: elf, ...(hex && { hex }), ...(bin && { bin }), ...(uf2 && { uf2 }), ...(parts && { parts }) };
}
