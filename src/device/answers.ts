/** What a board's lines say, each checked strictly: a line that is damaged, cut or doubled gives nothing. */
import { z } from 'zod';
import type { MemoryReading } from '../core/reading.js';
import { crc32, crc32OfText, crcText } from './crc32.js';
import { word16, word32 } from './frames.js';
import type { Line } from './line-reader.js';

const unsigned32 = z
  .string()
  .regex(/^(?:0|[1-9]\d{0,9})$/)
  .transform(Number)
  .refine((value) => value <= 0xffffffff);
const crc = z
  .string()
  .regex(/^[0-9a-f]{8}$/)
  .transform((hex) => Number.parseInt(hex, 16));
const flag = z.enum(['0', '1']).transform((value) => value === '1');
const word = z.string().regex(/^[\x21-\x5a\x5e-\x7e]{1,64}$/);

const handshakeFields = z.object({
  protocol: z.literal('1').transform(() => 1 as const),
  board: word,
  model: word,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  labels: crc,
  recipe: crc,
  inputs: unsigned32.refine((bytes) => bytes > 0),
  outputs: unsigned32.refine((bytes) => bytes > 0),
  layers: unsigned32,
  hooks: flag,
  'clock-hz': unsigned32,
  'timer-hz': unsigned32.refine((hertz) => hertz > 0),
  frame: unsigned32.refine((bytes) => bytes >= 16 && bytes <= 247).optional(),
  credits: unsigned32.refine((frames) => frames >= 1 && frames <= 256).optional(),
  sum: crc.optional(),
});

/** What a Thimble firmware says of itself. */
export interface Handshake {
  readonly board: string;
  readonly model: string;
  readonly sha256: string; // of the model that the firmware was made from
  readonly labelsCrc: number; // 0 where there are none
  readonly recipeCrc: number;
  readonly inputBytes: number; // of all inputs
  readonly outputBytes: number;
  readonly layerCount: number; // original operators
  readonly hasLayerHooks: boolean;
  readonly clockHz: number;
  readonly timerHz: number;
  readonly hasSums: boolean; // every line of figures ends with its own checksum
  /** The binary mode: bytes of input in a frame, and frames that may be on their way unanswered. Absent: text alone. */
  readonly frames?: { readonly inputBytes: number; readonly credits: number };
}

export function parseHandshake(line: Line): Handshake | undefined {
  const fields = parse(line, 'm-thimble-', handshakeFields);
  return (
    fields && {
      board: fields.board,
      model: fields.model,
      sha256: fields.sha256,
      labelsCrc: fields.labels,
      recipeCrc: fields.recipe,
      inputBytes: fields.inputs,
      outputBytes: fields.outputs,
      layerCount: fields.layers,
      hasLayerHooks: fields.hooks,
      clockHz: fields['clock-hz'],
      timerHz: fields['timer-hz'],
      hasSums: fields.sum !== undefined,
      ...(fields.frame !== undefined &&
        fields.credits !== undefined &&
        fields.sum !== undefined && { frames: { inputBytes: fields.frame, credits: fields.credits } }),
    }
  );
}

const readingFields = z.object({
  seq: unsigned32,
  ticks: unsigned32,
  class: unsigned32,
  score: z
    .string()
    .regex(/^(?:-?\d{1,10}\.\d{6}|nan)$/)
    .transform(Number), // NaN where the board says nan
  pre: unsigned32.optional(),
  post: unsigned32.optional(),
});
export type RawReading = z.output<typeof readingFields>;

const RECORD_BYTES = 26;

/** The binary mode's record of a reading: little-endian words with their CRC-32 behind them. */
export function parseReadingRecord(bytes: Uint8Array): RawReading | undefined {
  if (bytes.length !== RECORD_BYTES || crc32(bytes.subarray(0, -4)) !== word32(bytes, RECORD_BYTES - 4))
    return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const pre = word32(bytes, 4);
  return {
    seq: word32(bytes, 0),
    ticks: (pre + word32(bytes, 8)) >>> 0,
    class: word16(bytes, 16),
    score: view.getFloat32(18, true),
    pre,
    post: word32(bytes, 12),
  };
}

export const parseReading = (line: Line, sums: boolean): RawReading | undefined =>
  parse(line, 'm-reading-', readingFields, sums);

const layerFields = z.object({ layer: unsigned32, bytes: unsigned32, crc, ticks: unsigned32 });
export type RawLayer = z.output<typeof layerFields>;
export const parseLayer = (line: Line, sums: boolean): RawLayer | undefined =>
  parse(line, 'm-layer-', layerFields, sums);

const checkFields = z.object({ bytes: unsigned32, crc });
export type Check = z.output<typeof checkFields>;
export const parseCheck = (line: Line, sums: boolean): Check | undefined => parse(line, 'm-check-', checkFields, sums);

const memoryFields = z.object({
  arena: unsigned32,
  db: unsigned32,
  static: unsigned32,
  stack: unsigned32,
  'stack-high': unsigned32,
  'heap-used': unsigned32,
  'heap-free': unsigned32,
  millidegrees: z
    .string()
    .regex(/^(?:0|-?[1-9]\d{0,5})$/)
    .transform(Number)
    .optional(),
});
export function parseMemory(line: Line, sums: boolean): MemoryReading | undefined {
  const fields = parse(line, 'm-memory-', memoryFields, sums);
  return (
    fields && {
      arenaBytes: fields.arena,
      dbBytes: fields.db,
      staticBytes: fields.static,
      stackBytes: fields.stack,
      stackHighWaterBytes: fields['stack-high'],
      heapUsedBytes: fields['heap-used'],
      heapFreeBytes: fields['heap-free'],
      ...(fields.millidegrees !== undefined && { temperatureC: fields.millidegrees / 1000 }),
    }
  );
}

/** The bytes of one `m-output-[hex]` line: 1 … 32. */
export function parseOutput({ text, damaged }: Line): Uint8Array | undefined {
  const hex = /^m-output-\[((?:[0-9a-f]{2}){1,32})\]$/.exec(text)?.[1];
  return damaged || hex === undefined ? undefined : Uint8Array.from(Buffer.from(hex, 'hex'));
}

/** `m-results-[0.000,0.996]`: dequantized outputs with 3 decimals. MLPerf Tiny's format carries no checksum. */
export function parseResults({ text, damaged }: Line): readonly number[] | undefined {
  const list = /^m-results-\[(-?\d{1,10}\.\d{3}(?:,-?\d{1,10}\.\d{3})*)\]$/.exec(text)?.[1];
  return damaged || list === undefined ? undefined : list.split(',').map(Number);
}

/** `m-lap-us-N`: microseconds, modulo 2^32. */
export function parseLap({ text, damaged }: Line): number | undefined {
  const digits = /^m-lap-us-(0|[1-9]\d{0,9})$/.exec(text)?.[1];
  return damaged || digits === undefined || Number(digits) > 0xffffffff ? undefined : Number(digits);
}

/** What stands in `e-[…]`. */
export const errorText = ({ text }: Line): string | undefined => /^e-\[(.*?)\]?$/.exec(text)?.[1];

/** A line that begins as a message or an error; anything else is noise. */
export const isMessage = ({ text }: Line): boolean => text.startsWith('m-') || text.startsWith('e-');
export const isReady = ({ text }: Line): boolean => text.includes('m-ready');
/** What a firmware says at reset, and only then. */
export const isBootLine = ({ text }: Line): boolean => text === 'm-init-done' || text.startsWith('m-timestamp-mode-');

/** `prefix[key=value key=value]` → the fields, if the line is whole and, where it has a sum, the sum is right. */
function parse<T>(line: Line, prefix: string, schema: z.ZodType<T>, needsSum = false): T | undefined {
  const { text, damaged } = line;
  if (damaged || !text.startsWith(`${prefix}[`) || !text.endsWith(']')) return undefined;
  const inner = text.slice(prefix.length + 1, -1);
  if (!sumIsRight(inner, needsSum)) return undefined;
  const fields = new Map<string, string>();
  for (const pair of inner.split(' ')) {
    const [, key, value] = /^([a-z0-9-]+)=([^= ]+)$/.exec(pair) ?? [];
    if (key === undefined || value === undefined || fields.has(key)) return undefined;
    fields.set(key, value);
  }
  const parsed = schema.safeParse(Object.fromEntries(fields));
  return parsed.success ? parsed.data : undefined;
}

/** `sum` is the last key: the CRC-32 of what stands between the bracket and the space before it. */
function sumIsRight(inner: string, needed: boolean): boolean {
  const [, body, sum] = /^(.*) sum=([0-9a-f]{8})$/.exec(inner) ?? [];
  if (body === undefined || sum === undefined) return !needed && !inner.includes('sum=');
  return crcText(crc32OfText(body)) === sum;
}
