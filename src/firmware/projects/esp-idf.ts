/** Espressif's own framework: the model and the protocol as a component, and a project around it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BoardSpec } from '../../core/board-spec.js';
import type { FlashPart } from '../../core/firmware-image.js';
import { modelBindingText } from '../model-binding.js';
import { below, sharedSources, templateFiles } from './fill-template.js';
import type { ProjectTemplate } from './project.js';
import { commonValues, sketchFile } from './sketch.js';

/** 'ESP32-S3R8' → 'esp32s3'. */
export const idfTargetOf = ({ mcu }: BoardSpec): string | undefined => {
  const [, series] = /^ESP32(-[SCHP]\d)?/.exec(mcu) ?? [];
  return mcu.startsWith('ESP32') ? `esp32${(series ?? '').replace('-', '').toLowerCase()}` : undefined;
};

const USB_SERIAL_JTAG = '303a:1001';
/** Boards whose only port is the chip's own; those with a bridge as well are talked to through the bridge. */
const hasOnlyOwnUsb = ({ serial }: BoardSpec): boolean =>
  serial.usbIds.includes(USB_SERIAL_JTAG) && !serial.usbIds.some((id) => /^(10c4|1a86|0403):/.test(id));

export const espIdf: ProjectTemplate = {
  name: 'esp-idf',
  about: 'an ESP-IDF project (5.0 or newer) with the model as a component',
  refusal: (board) =>
    idfTargetOf(board) ? undefined : `ESP-IDF builds for chips of Espressif, not for a ${board.mcu}`,
  render: (parts) => {
    const { board, modelName, graph, hooks, mlperfId, modelFiles } = parts;
    const common = commonValues(parts);
    const ownUsb = hasOnlyOwnUsb(board);
    const values = {
      ...common,
      IDF_TARGET: idfTargetOf(board)!,
      CLOCK_MHZ: `${board.clockHz / 1e6}`,
      FLASH_MIB: `${board.flashBytes / 2 ** 20}`,
      CONSOLE_CONFIG: 'CONFIG_ESP_CONSOLE_NONE=y',
      CONSOLE_COMPONENT: 'driver',
      CONSOLE_DEFINE: ownUsb ? 'THIMBLE_USB_SERIAL_JTAG=1' : '',
      HOOK_CMAKE: common.HOOK_DEFINE && `target_compile_definitions(\${COMPONENT_LIB} PRIVATE ${common.HOOK_DEFINE})`,
    };
    const binding = modelBindingText({ boardId: board.id, modelName, graph, hooks, mlperfId, sketch: true });
    return [
      ...templateFiles('esp-idf', values),
      ...below('components/thimble', sharedSources(modelFiles, binding)),
      sketchFile('main/sketch.c', parts),
    ];
  },
  commands: ({ board }) => [
    ['idf.py', 'set-target', idfTargetOf(board)!],
    ['idf.py', 'build'],
  ],
  before: () => 'run the export.sh of ESP-IDF in this terminal',
  image: (folder) => {
    const build = join(folder, 'build');
    const parts = flasherParts(build);
    const elf = join(build, 'firmware.elf');
    return parts && existsSync(elf) ? { executable: elf, bin: join(build, 'firmware.bin'), parts } : undefined;
  },
};

/** idf.py leaves a table of what belongs where: flasher_args.json, "flash_files": { "0x10000": "firmware.bin" }. */
function flasherParts(build: string): readonly FlashPart[] | undefined {
  try {
    const { flash_files: files } = JSON.parse(readFileSync(join(build, 'flasher_args.json'), 'utf8')) as {
      readonly flash_files: Readonly<Record<string, string>>;
    };
    return Object.entries(files)
      .map(([address, file]) => ({ address: Number(address), path: join(build, file) }))
      .sort((a, b) => a.address - b.address);
  } catch {
    return undefined; // not built yet, or by a version that writes something else
  }
}
