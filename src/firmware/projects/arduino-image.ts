/** What an Arduino build leaves in its output folder, under the sketch's name. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { BoardSpec } from '../../core/board-spec.js';
import type { ProjectImage } from './project.js';

/** @param sketch its name with .ino, as all files begin */
export function arduinoImage(build: string, sketch: string, { mcu }: BoardSpec): ProjectImage | undefined {
  const at = (ending: string): string | undefined => {
    const path = join(build, `${sketch}.${ending}`);
    return existsSync(path) ? path : undefined;
  };
  const [elf, hex, bin, uf2] = ['elf', 'hex', 'bin', 'uf2'].map(at);
  if (elf === undefined) return undefined;
  const image = { executable: elf, ...(hex && { hex }), ...(bin && { bin }), ...(uf2 && { uf2 }) };
  const [bootloader, partitions] = [at('bootloader.bin'), at('partitions.bin')];
  if (!mcu.startsWith('ESP32') || !bin || !bootloader || !partitions) return image;
  return {
    ...image,
    // As with PlatformIO: an erased OTA sector starts the first slot, which is ours.
    parts: [
      { address: mcu === 'ESP32' || mcu.startsWith('ESP32-WROOM') ? 0x1000 : 0, path: bootloader },
      { address: 0x8000, path: partitions },
      { address: 0x10000, path: bin },
    ],
  };
}
