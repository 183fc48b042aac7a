/** PlatformIO with the Arduino framework: one tool for nearly every board, which fetches its own compilers. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { BoardSpec } from '../../core/board-spec.js';
import { modelBindingText } from '../model-binding.js';
import { arduinoParts, otaDataFile } from './esp-parts.js';
import { below, sharedSources, templateFiles } from './fill-template.js';
import type { ProjectImage, ProjectTemplate } from './project.js';
import { arduinoPlatform, commonValues, sketchFile } from './sketch.js';

/**
 * The platform of a chip, and what it needs beside. espressif32 6.9.0 is the last that brings Arduino core 2.0.17, the one
 * the courses pin; the others are whatever is current.
 */
const platforms: readonly { readonly mcu: RegExp; readonly platform: string; readonly flags?: string }[] = [
  { mcu: /^ESP32/, platform: 'espressif32@6.9.0' },
  { mcu: /^ATmega/, platform: 'atmelavr' },
  { mcu: /^nRF51/, platform: 'nordicnrf51' },
  { mcu: /^nRF52/, platform: 'nordicnrf52' },
  { mcu: /^STM32/, platform: 'ststm32' },
  { mcu: /^IMXRT/, platform: 'teensy' },
  { mcu: /^RP2040/, platform: 'raspberrypi' },
];

const platformOf = ({ mcu }: BoardSpec) => platforms.find((each) => each.mcu.test(mcu));

export const platformio: ProjectTemplate = {
  name: 'platformio',
  about: 'a PlatformIO project on the Arduino framework',
  refusal: (board) =>
    board.facts?.platformio && platformOf(board)
      ? undefined
      : `PlatformIO has no platform of its own for the ${board.name}`,
  render: (parts) => {
    const { board, modelName, graph, hooks, mlperfId, modelFiles } = parts;
    const { platform, flags } = platformOf(board)!;
    const common = commonValues(parts);
    const values = {
      ...common,
      PIO_PLATFORM: platform,
      PIO_BOARD: board.facts!.platformio!,
      UPLOAD_BAUD: `${board.flash.options?.['baud'] ?? board.serial.baud}`,
      HOOK_FLAG: common.HOOK_DEFINE && `-D${common.HOOK_DEFINE}`,
      BOARD_FLAGS: flags ?? '',
      MODEL_TEXT: modelName,
    };
    const binding = modelBindingText({ boardId: board.id, modelName, graph, hooks, mlperfId, sketch: true });
    return [
      ...templateFiles('platformio', values),
      ...below('src', arduinoPlatform(parts)),
      ...below('lib/thimble/src', sharedSources(modelFiles, binding)),
      ...otaDataFile(board),
      sketchFile('src/sketch.cpp', parts),
    ];
  },
  commands: () => [['pio', 'run']],
  image: imageIn,
};

/** PlatformIO names its artefacts by form. */
function imageIn(folder: string, board: BoardSpec): ProjectImage | undefined {
  const build = join(folder, '.pio', 'build', board.id);
  const at = (name: string): string | undefined => (existsSync(join(build, name)) ? join(build, name) : undefined);
  const [elf, hex, bin, uf2] = ['firmware.elf', 'firmware.hex', 'firmware.bin', 'firmware.uf2'].map(at);
  if (elf === undefined) return undefined;
  const files = { bootloader: at('bootloader.bin'), partitions: at('partitions.bin'), app: bin };
  const parts = arduinoParts(folder, board, files);
  return { executable: elf, ...(hex && { hex }), ...(bin && { bin }), ...(uf2 && { uf2 }), ...(parts && { parts }) };
}
