/** A stream of readings that outlives its cable: where the port goes away, the same board is waited for. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ThimbleError } from '../core/errors.js';
import type { Reading } from '../core/reading.js';
import { markPort, type UsbPort, waitForReturn } from '../device/port-return.js';
import { type BoardSession, connectBoard } from './open-board.js';

/** Between two tries to open a port that is there and does not work yet: udev sets rights, the firmware boots. */
const RETRY_MS = 500;
/** What a board says or does not say while it boots; tried again this often. A busy or lost port is waited for. */
const TRIES_TO_ANSWER = 5;

export interface WatchOptions {
  readonly count?: number | undefined; // ends after so many readings, over all connections
  readonly stop: AbortSignal; // ends it without an error, also while it waits for the board
  onReading(reading: Reading): void;
  onGap(missing: number, before: number): void; // readings that did not come whole
  onLost(port: UsbPort): void;
  onReturn(path: string): void;
}

export interface WatchReport {
  readonly session: BoardSession; // the one that is open now: the caller closes it
  readonly damagedLines: number;
  readonly missing: number; // readings that the board numbered and that did not come whole
  readonly reconnections: number;
  readonly connected: boolean; // false where it was stopped while the board was away
}

/**
 * @param session open; closed here when its port is lost
 * @throws ThimbleError of the link other than E_PORT_LOST; E_WRONG_FIRMWARE where what came back runs another model
 */
export async function watchBoard(session: BoardSession, options: WatchOptions): Promise<WatchReport> {
  const { count, stop } = options;
  const { identity, handshake } = session.link;
  const mark = await markPort(identity.path);
  let [current, readings, damagedLines, missing, reconnections] = [session, 0, 0, 0, 0];
  const report = (connected: boolean): WatchReport => ({
    ...{ session: current, damagedLines, missing, reconnections, connected },
  });
  for (;;) {
    const onReading = (reading: Reading) => {
      readings++;
      options.onReading(reading);
    };
    try {
      const left = count === undefined ? {} : { count: count - readings };
      const streamed = await current.link.stream(onReading, { ...left, stop, onGap: options.onGap });
      damagedLines += streamed.damagedLines;
      missing += streamed.missing;
      return report(true);
    } catch (error) {
      const canReturn = identity.kind === 'serial' || identity.kind === 'pty';
      if (!canReturn || !isOneOf(error, ['E_PORT_LOST'])) throw error;
    }
    await current.close().catch(() => undefined);
    if (readings === count) return report(false); // it went behind its last reading
    options.onLost(mark);
    const next = await reconnect(current, mark, stop);
    if (!next) return report(false);
    current = next;
    if (current.link.handshake.sha256 !== handshake.sha256) throw await otherFirmware(current, handshake.model);
    reconnections++;
    options.onReturn(current.link.identity.path);
  }
}

/** @returns undefined where it was stopped */
async function reconnect({ board }: BoardSession, mark: UsbPort, stop: AbortSignal): Promise<BoardSession | undefined> {
  for (let unanswered = 0; !stop.aborted; ) {
    try {
      const port = await waitForReturn(mark, { timeoutMs: Number.POSITIVE_INFINITY, signal: stop });
      return await connectBoard({ board, port });
    } catch (error) {
      if (stop.aborted) return undefined;
      const boots = isOneOf(error, ['E_NO_ANSWER', 'E_TIMEOUT', 'E_PROTOCOL']) && ++unanswered < TRIES_TO_ANSWER;
      if (!boots && !isOneOf(error, ['E_NO_PORT', 'E_PORT_BUSY', 'E_PORT_LOST'])) throw error;
      await sleep(RETRY_MS);
    }
  }
  return undefined;
}

async function otherFirmware(session: BoardSession, model: string): Promise<ThimbleError> {
  await session.close().catch(() => undefined);
  return new ThimbleError(
    'E_WRONG_FIRMWARE',
    `what came back on ${session.link.identity.path} runs "${session.link.handshake.model}", and "${model}" was watched`,
    ['Plug in the board that was watched.', 'Start thimble monitor again to watch this one.'],
  );
}

const isOneOf = (error: unknown, codes: readonly string[]): boolean =>
  error instanceof ThimbleError && codes.includes(error.code);
