/** The handshake, and how to get there from any state of the board. */
import { ThimbleError } from '../core/errors.js';
import type { Port } from '../core/port.js';
import { type Handshake, parseHandshake } from './answers.js';
import { BoardLink } from './board-link.js';
import { Conversation } from './conversation.js';
import { FramedConversation } from './framed-conversation.js';
import { encodeFrame, frameKind } from './frames.js';
import { protocolError } from './link-errors.js';
import type { ConnectOptions, DeviceLink, LinkTimeouts } from './protocol.js';

const HANDSHAKES = 3;
/** How long the answer to a lone `%` may take before the handshake is sent anyway. */
const FLUSH_MS = 300;

export async function connectTo(
  port: Port,
  options: ConnectOptions & { readonly timeouts: LinkTimeouts },
): Promise<DeviceLink> {
  let conversation: Conversation | FramedConversation = new Conversation(port, options.signal);
  try {
    if (options.resetsOnOpen) await waitForBanner(conversation, options.timeouts.bootMs);
    const handshake = await resynchronise(conversation, options.timeouts.answerMs);
    const framed = options.framed === false ? undefined : await framedConversation(port, handshake, options);
    if (framed) {
      conversation.detach();
      conversation = framed;
    }
    return new BoardLink(conversation, port.identity, handshake, options);
  } catch (error) {
    await conversation.close().catch(() => undefined);
    throw error;
  }
}

/**
 * The binary mode, if the firmware has it and the port lets eight bits through; undefined where text must do, with the
 * board speaking it again.
 */
async function framedConversation(
  port: Port,
  { frames }: Handshake,
  { timeouts, signal }: ConnectOptions & { readonly timeouts: LinkTimeouts },
): Promise<FramedConversation | undefined> {
  if (!frames) return undefined;
  const { answerMs, pollMs } = timeouts;
  const framed = new FramedConversation(port, { ...frames, pollMs, answerMs, signal });
  try {
    await framed.enter();
    return framed;
  } catch (error) {
    framed.detach();
    if (!(error instanceof ThimbleError && error.code === 'E_TIMEOUT')) throw error;
    await port.write(leaveFrame);
    return undefined;
  }
}

/** Whoever was here before may have left the board in the binary mode; as text it is a line that makes no sense. */
export const leaveFrame = Uint8Array.of(0, ...encodeFrame(Uint8Array.of(frameKind.leave, 0)));

/**
 * Ends whatever the board is at (a stream, half a command) with a `%` and shakes hands. A handshake without a sum of
 * its own counts when it came twice alike.
 */
export async function resynchronise(conversation: Conversation, answerMs: number): Promise<Handshake> {
  conversation.sendBytes(leaveFrame);
  await unlessSilent(
    conversation.exchange({
      command: '',
      silenceMs: Math.min(FLUSH_MS, answerMs),
      totalMs: answerMs,
      mayBoot: true,
      onError: () => {},
      onLine: () => {},
    }),
  );
  let previous: Handshake | undefined;
  for (let attempt = 0; attempt < 2 * HANDSHAKES; attempt++) {
    const handshake = await handshakeOnce(conversation, answerMs, attempt >= HANDSHAKES - 1);
    if (handshake?.hasSums || (handshake && sameHandshake(handshake, previous))) return handshake;
    previous = handshake;
  }
  throw protocolError('thimble', 'answers, but its handshake comes damaged every time');
}

/** Resolves at the m-ready behind an m-thimble line: one of an older answer does not count. */
async function handshakeOnce(
  conversation: Conversation,
  answerMs: number,
  last: boolean,
): Promise<Handshake | undefined> {
  let lines = 0;
  let foreign = false;
  let handshake: Handshake | undefined;
  const exchange = conversation.exchange({
    command: 'thimble',
    silenceMs: answerMs,
    totalMs: 2 * answerMs,
    mayBoot: true,
    onLine: (line) => {
      if (line.text.startsWith('m-thimble-')) {
        lines++;
        handshake = parseHandshake(line);
      }
    },
    onError: (text) => {
      foreign ||= /unknown command:? *["']?thimble["']?$/i.test(text); // with noise before it: sent again
    },
    isComplete: () => lines > 0 || foreign,
  });
  await (last ? exchange : unlessSilent(exchange));
  if (foreign && lines === 0) throw notThimble(conversation.path);
  return lines === 1 ? handshake : undefined;
}

async function waitForBanner(conversation: Conversation, bootMs: number): Promise<void> {
  await unlessSilent(
    conversation.exchange({
      command: null, // it speaks first
      silenceMs: bootMs,
      totalMs: 2 * bootMs,
      mayBoot: true,
      onError: () => {},
      onLine: () => {},
    }),
  );
}

/** Silence is no failure yet: there is another try. Everything else is. */
async function unlessSilent(exchange: Promise<void>): Promise<void> {
  try {
    await exchange;
  } catch (error) {
    if (!(error instanceof ThimbleError && (error.code === 'E_TIMEOUT' || error.code === 'E_NO_ANSWER'))) throw error;
  }
}

const sameHandshake = (a: Handshake, b: Handshake | undefined): boolean => JSON.stringify(a) === JSON.stringify(b);

const notThimble = (path: string): ThimbleError =>
  new ThimbleError(
    'E_WRONG_FIRMWARE',
    `the board on ${path} runs a firmware of MLPerf Tiny’s dialect that is not Thimble’s`,
    ['Flash a Thimble firmware: thimble deploy MODEL --board BOARD.'],
  );
