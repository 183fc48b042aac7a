/** Who is at the other end of an open port, and at which line speed: asked briefly, before the handshake in earnest. */
import type { Port } from '../core/port.js';
import { errorText, type Handshake, isReady, parseHandshake } from './answers.js';
import { leaveFrame } from './connect.js';
import { type Line, LineReader } from './line-reader.js';

/** Speeds that people set, the likeliest first. */
export const usualBauds = [115_200, 9600, 921_600, 57_600, 460_800, 230_400, 38_400, 19_200] as const;

/** Longer than an answer takes at 9,600 baud: 400 characters. */
const ANSWER_MS = 450;
/** Out of the binary mode; the first % ends a stream, or half a command. */
const GREETING = Uint8Array.of(...leaveFrame, ...new TextEncoder().encode('%thimble%'));

export interface Greeting {
  readonly baud: number;
  readonly handshake: Handshake | undefined; // undefined: it speaks the dialect, and is no Thimble firmware
}

export interface GreetOptions {
  /** Opening the port restarts the board: what it says when it is ready is waited for this long. */
  readonly bootMs?: number | undefined;
  readonly answerMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Tries the speeds in their order; a port without speeds is asked once. The port keeps the last speed that was tried.
 * @returns undefined where nobody answered at any of them
 * @throws ThimbleError E_PORT_LOST
 */
export async function greet(
  port: Port,
  bauds: readonly number[],
  { bootMs, answerMs = ANSWER_MS, signal }: GreetOptions = {},
): Promise<Greeting | undefined> {
  if (bootMs !== undefined) await listen(port, bootMs, signal, (line) => (isReady(line) ? true : undefined));
  for (const [attempt, baud] of bauds.entries()) {
    if (signal?.aborted) return undefined;
    if (attempt > 0) {
      if (!port.setBaud) return undefined;
      await port.setBaud(baud);
    }
    const answer = listen(port, answerMs, signal, answerOf);
    await port.write(GREETING);
    const heard = await answer;
    if (heard) return { baud, handshake: heard.handshake };
  }
  return undefined;
}

/** A ready alone may be a stream's end, at any speed that looks like it by chance: only what was asked for counts. */
function answerOf(line: Line): { readonly handshake: Handshake | undefined } | undefined {
  const handshake = parseHandshake(line);
  if (handshake) return { handshake };
  return /unknown command:? *["']?thimble["']?$/i.test(errorText(line) ?? '') ? { handshake: undefined } : undefined;
}

/** The first line that means something, within a time. Resolves early where the port goes: the next write tells. */
function listen<T>(
  port: Port,
  ms: number,
  signal: AbortSignal | undefined,
  meaning: (line: Line) => T | undefined,
): Promise<T | undefined> {
  return new Promise((resolve) => {
    const reader = new LineReader();
    const end = (value?: T) => {
      clearTimeout(timer);
      stopBytes();
      stopClose();
      signal?.removeEventListener('abort', onAbort);
      resolve(value);
    };
    const onAbort = () => end();
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
    const stopBytes = port.onBytes((bytes) => {
      for (const line of reader.push(bytes)) {
        const value = meaning(line);
        if (value !== undefined) return end(value);
      }
    });
    let stopClose = () => {};
    stopClose = port.onClose(() => end());
  });
}
