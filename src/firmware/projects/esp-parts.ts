/** Where the files of an ESP32 lie in its flash, with the partition tables that Arduino's framework uses. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { BoardSpec } from '../../core/board-spec.js';
import type { FlashPart } from '../../core/firmware-image.js';
import type { ProjectFile } from './project.js';

/**
 * The sectors that say which of two programs starts. A board that was once updated over the air would go on starting the
 * second one, whatever is written to the first: erased, they mean the first.
 */
const OTA_DATA = { path: 'ota_data_initial.bin', address: 0xe000, bytes: 0x2000 } as const;

export const isEsp32 = ({ mcu }: BoardSpec): boolean => mcu.startsWith('ESP32');

export const otaDataFile = (board: BoardSpec): readonly ProjectFile[] =>
  isEsp32(board) ? [{ path: OTA_DATA.path, content: new Uint8Array(OTA_DATA.bytes).fill(0xff) }] : [];

/** @param folder the project's, where otaDataFile was written; undefined where one of the files is missing */
export function arduinoParts(
  folder: string,
  board: BoardSpec,
  files: {
    readonly bootloader: string | undefined;
    readonly partitions: string | undefined;
    readonly app: string | undefined;
  },
): readonly FlashPart[] | undefined {
  const { bootloader, partitions, app } = files;
  const otaData = join(folder, OTA_DATA.path);
  if (!isEsp32(board) || !bootloader || !partitions || !app || !existsSync(otaData)) return undefined;
  return [
    { address: board.mcu === 'ESP32' ? 0x1000 : 0, path: bootloader }, // the first of them starts later
    { address: 0x8000, path: partitions },
    { address: OTA_DATA.address, path: otaData },
    { address: 0x10000, path: app },
  ];
}
