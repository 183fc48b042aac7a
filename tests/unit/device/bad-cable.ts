/** Ports that stand between host and board: one damages bytes by chance, one lets them through at a baud rate. */
import type { Port } from '../../../src/core/port.js';
import { seededRandom } from '../../../src/core/seeded-random.js';

export interface Faults {
  readonly seed: number;
  /** Of each byte, 0 … 1. */
  readonly flip?: number;
  readonly drop?: number;
  readonly double?: number;
  readonly insert?: number;
  readonly zero?: number; // turned into the byte that ends frames
  /** Of each chunk: held back for a while, the later ones behind it. */
  readonly delay?: number;
  readonly delayMs?: number;
}

export interface BadCable extends Port {
  readonly faults: { count: number; bytes: number };
  /** Nothing happens to bytes while this is false. */
  enabled: boolean;
}

export function badCable(port: Port, options: Faults): BadCable {
  const random = seededRandom(options.seed);
  const { flip = 0, drop = 0, double = 0, insert = 0, zero = 0, delay = 0, delayMs = 5 } = options;
  const damage = (bytes: Uint8Array): Uint8Array => {
    cable.faults.bytes += bytes.length;
    if (!cable.enabled) return bytes;
    const out: number[] = [];
    for (const byte of bytes) {
      const chance = random();
      const any = Math.floor(random() * 256);
      let at = 0;
      const hits = (share: number): boolean => chance >= at && chance < (at += share);
      const now = cable.faults.count++;
      if (hits(flip)) out.push(byte ^ (1 << (any & 7)));
      else if (hits(drop)) continue;
      else if (hits(double)) out.push(byte, byte);
      else if (hits(insert)) out.push(any, byte);
      else if (hits(zero)) out.push(0);
      else {
        out.push(byte);
        cable.faults.count = now;
      }
    }
    return Uint8Array.from(out);
  };
  /** Chunks in order, some of them late. */
  const queue = (deliver: (bytes: Uint8Array) => unknown) => {
    let tail: Promise<unknown> = Promise.resolve();
    return (bytes: Uint8Array): Promise<unknown> => {
      const late = cable.enabled && random() < delay;
      const damaged = damage(bytes);
      tail = tail.then(async () => {
        if (late) await new Promise((resolve) => setTimeout(resolve, delayMs));
        return deliver(damaged);
      });
      return tail;
    };
  };
  const toBoard = queue((bytes) => port.write(bytes));
  const listeners = new Set<(bytes: Uint8Array) => void>();
  const toHost = queue((bytes) => {
    for (const listener of listeners) listener(bytes);
  });
  port.onBytes(toHost);
  const cable: BadCable = {
    identity: port.identity,
    faults: { count: 0, bytes: 0 },
    enabled: true,
    write: async (bytes) => {
      await toBoard(bytes);
    },
    onBytes(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onClose: (listener) => port.onClose(listener),
    close: () => port.close(),
  };
  return cable;
}

/** Ten bits a byte in each direction, as 8N1 has it; one byte arrives when its last bit does. */
export function throttled(port: Port, baud: number): Port & { readonly lineMs: () => number } {
  let wireBytes = 0;
  const direction = (deliver: (bytes: Uint8Array) => void) => {
    const waiting: Uint8Array[] = [];
    let timer: NodeJS.Timeout | undefined;
    let free = 0; // when the line is
    let offset = 0;
    const pump = (): void => {
      timer = undefined;
      const now = performance.now();
      const perByteMs = 10_000 / baud;
      while (waiting.length > 0) {
        const chunk = waiting[0]!;
        const due = Math.floor((now - free) / perByteMs);
        if (due <= 0) break;
        const count = Math.min(due, chunk.length - offset);
        deliver(chunk.slice(offset, offset + count));
        free += count * perByteMs;
        offset += count;
        if (offset < chunk.length) break;
        waiting.shift();
        offset = 0;
      }
      if (waiting.length > 0) timer = setTimeout(pump, 1);
    };
    return (bytes: Uint8Array): void => {
      wireBytes += bytes.length;
      if (waiting.length === 0) free = Math.max(free, performance.now());
      if (bytes.length > 0) waiting.push(bytes);
      if (timer === undefined) timer = setTimeout(pump, 1);
    };
  };
  const toBoard = direction((bytes) => void port.write(bytes).catch(() => undefined));
  const listeners = new Set<(bytes: Uint8Array) => void>();
  const toHost = direction((bytes) => {
    for (const listener of listeners) listener(bytes);
  });
  port.onBytes(toHost);
  return {
    identity: port.identity,
    lineMs: () => (wireBytes * 10_000) / baud,
    write: async (bytes) => toBoard(bytes),
    onBytes(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onClose: (listener) => port.onClose(listener),
    close: () => port.close(),
  };
}
