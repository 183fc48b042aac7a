/** What boards were measured to take, kept for later estimates in the user's folder for settings. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ThimbleError } from '../core/errors.js';
import { readFileOf } from '../files/read-file.js';
import { writeFileWhole } from '../files/write-file.js';
import type { Calibration } from '../plan/estimate-latency.js';

const schema = z.strictObject({
  board: z.string(),
  origin: z.enum(['device', 'virtual-cycles']),
  date: z.string(),
  model: z.string(),
  optimize: z.string(),
  clockHz: z.number().positive(),
  latencyUs: z.number().positive(),
  instructions: z.number().positive(),
  cyclesPerInstruction: z.number().positive(),
  spread: z.number().min(0).max(1),
});

/** XDG's place for settings, or ~/.config. */
export const calibrationPath = (board: string): string =>
  join(process.env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'thimble', 'calibrations', `${board}.json`);

/** @throws ThimbleError E_FILE */
export function saveCalibration(calibration: Calibration): string {
  const path = calibrationPath(calibration.board);
  writeFileWhole(path, `${JSON.stringify(calibration, null, 2)}\n`);
  return path;
}

/** Null where the board was never calibrated. @throws ThimbleError E_CONFIG where the file is damaged */
export function loadCalibration(board: string): Calibration | null {
  const path = calibrationPath(board);
  if (!existsSync(path)) return null;
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(readFileOf('the calibration', path))));
  } catch (cause) {
    throw new ThimbleError(
      'E_CONFIG',
      `${path} is no calibration`,
      [
        'Remove it; estimates then rest on assumptions.',
        `Or measure again: thimble calibrate-board MODEL --board ${board}`,
      ],
      { cause },
    );
  }
}
