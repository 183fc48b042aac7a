/** Intel HEX: text lines of `:` length address type data checksum, in hexadecimal. What AVR, Teensy and micro:bit take. */
import { ThimbleError } from './errors.js';

export interface HexPart {
  readonly address: number;
  readonly bytes: Uint8Array; // as many as lie without a gap
}

const DATA = 0;
const END = 1;
const SEGMENT = 2;
const START_SEGMENT = 3;
const LINEAR = 4;
const START_LINEAR = 5;
const MAX_BYTES = 64 * 1024 * 1024; // beyond any microcontroller's flash

/**
 * The runs of bytes in the file, in its order; lines that follow each other become one.
 * @throws ThimbleError E_FLASH_FAILED with the line that is wrong
 */
export function decodeIntelHex(text: string): readonly HexPart[] {
  const runs: { address: number; bytes: number[] }[] = [];
  let base = 0;
  let ended = false;
  let total = 0;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '') continue;
    const where = `line ${index + 1}`;
    if (ended) throw notHex(`${where} stands behind the end record`);
    const record = recordOf(line, where);
    const [length, high, low, type] = record as unknown as [number, number, number, number];
    const data = record.slice(4, 4 + length);
    if (type === DATA) {
      const address = base + high * 256 + low;
      const last = runs.at(-1);
      if (last && last.address + last.bytes.length === address) last.bytes.push(...data);
      else runs.push({ address, bytes: [...data] });
      total += length;
      if (total > MAX_BYTES) throw notHex('more than 64 MiB');
    } else if (type === END) ended = true;
    else if (type === SEGMENT || type === LINEAR) {
      if (length !== 2) throw notHex(`${where} is an address record of ${length} bytes; it takes 2`);
      base = (data[0]! * 256 + data[1]!) * (type === LINEAR ? 0x10000 : 16);
    } else if (type !== START_SEGMENT && type !== START_LINEAR) throw notHex(`${where} has the unknown type ${type}`);
  }
  if (!ended) throw notHex('the end record is missing: the file is cut off');
  return runs.map(({ address, bytes }) => ({ address, bytes: Uint8Array.from(bytes) }));
}

function recordOf(line: string, where: string): Uint8Array {
  if (!/^:(?:[0-9a-f]{2}){5,260}$/i.test(line)) throw notHex(`${where} is no record`);
  const record = Uint8Array.from(line.slice(1).match(/../g)!, (byte) => Number.parseInt(byte, 16));
  if (record.length !== record[0]! + 5) throw notHex(`${where} is not as long as it says`);
  if (record.reduce((sum, byte) => sum + byte, 0) % 256 !== 0) throw notHex(`the checksum of ${where} is wrong`);
  return record;
}

const notHex = (why: string): ThimbleError =>
  new ThimbleError('E_FLASH_FAILED', `not a usable Intel HEX file: ${why}`, 'Build the firmware again: thimble build');
