/** What an ESP32 is given: several files with their places in flash. Shared by the two ways to flash it. */
import { readFileSync } from 'node:fs';
import { ThimbleError } from '../core/errors.js';
import type { FlashPart } from '../core/firmware-image.js';
import { readFileOf } from '../files/read-file.js';
import type { FlashRequest } from './flash-method.js';
import { requiredOption } from './tool-method.js';

const APP_ADDRESS = 0x10000; // in the default partition tables of Arduino and ESP-IDF
const PARTITION_TABLE_ADDRESS = 0x8000;
const IMAGE_MAGIC = 0xe9;

/** The speeds to try: a long or poor cable garbles the faster. */
export const espBauds = ({ board }: FlashRequest): readonly number[] => {
  const fastest = Number(board.flash.options?.['baud'] ?? 460_800);
  return [fastest, 115_200].filter((baud, i, all) => all.indexOf(baud) === i);
};

export const espChip = (request: FlashRequest): string => requiredOption(request, 'chip');

/**
 * The parts of the image, or one file of a person's: a merged image, which begins with the boot loader and holds a
 * partition table, or else an application alone.
 * @throws ThimbleError E_FLASH_FAILED where it is no image for an ESP32, E_FILE
 */
export function espParts({ image, board }: FlashRequest): readonly FlashPart[] {
  if (image.parts !== undefined) {
    for (const { path } of image.parts) readFileOf('the firmware', path);
    return image.parts;
  }
  const path = image.bin ?? image.executable;
  const bytes = readFileOf('the firmware', path);
  if (bytes[PARTITION_TABLE_ADDRESS] === 0xaa && bytes[PARTITION_TABLE_ADDRESS + 1] === 0x50)
    return [{ address: 0, path }];
  if (bytes[0] === IMAGE_MAGIC) return [{ address: APP_ADDRESS, path }];
  throw new ThimbleError(
    'E_FLASH_FAILED',
    `${path} is no image for an ESP32 (it does not begin with 0xE9); the board is unchanged`,
    [`Give the project folder, or its .bin: thimble build MODEL --board ${board.id}`],
  );
}

/** The command that does the same with Espressif's own tool; -z compresses, keep leaves the image's flash settings. */
export const esptoolArgs = (request: FlashRequest, port: string, baud: number): readonly string[] => [
  ...['--chip', espChip(request), '--port', port, '--baud', `${baud}`],
  ...['--before', 'default_reset', '--after', 'hard_reset', 'write_flash', '-z'],
  ...['--flash_mode', 'keep', '--flash_freq', 'keep', '--flash_size', 'keep'],
  ...espParts(request).flatMap(({ address, path }) => [`0x${address.toString(16)}`, path]),
];

export const espBrokenOff = {
  state: 'the board holds half a program and will not start it; its loader is in ROM and answers',
  recover: [
    'Hold BOOT, press and release RESET (EN), let go of BOOT, and flash again.',
    'A shorter cable, or one without a hub, mends most transfers that break off.',
  ],
} as const;

export const readPart = ({ path }: FlashPart): Uint8Array => new Uint8Array(readFileSync(path));
