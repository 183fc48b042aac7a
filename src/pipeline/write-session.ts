/** What a bench leaves in a folder: results.json for programs, results.txt for people, log.txt of what was done when. */
import { join } from 'node:path';
import { writeFileWhole } from '../files/write-file.js';

export interface Session {
  readonly json: unknown;
  readonly text: string;
  readonly log: readonly { readonly at: Date; readonly text: string }[];
}

/** '20260131_235959' of the local time, as MLPerf Tiny's runner names its sessions. */
export function sessionName(at: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`;
  return `${day}_${two(at.getHours())}${two(at.getMinutes())}${two(at.getSeconds())}`;
}

/** @throws ThimbleError E_FILE */
export function writeSession(folder: string, { json, text, log }: Session): readonly string[] {
  const files = {
    'results.json': `${JSON.stringify(json, null, 2)}\n`,
    'results.txt': `${text}\n`,
    'log.txt': log.map((line) => `${line.at.toISOString()} ${line.text}\n`).join(''),
  };
  for (const [name, content] of Object.entries(files)) writeFileWhole(join(folder, name), content);
  return Object.keys(files);
}
