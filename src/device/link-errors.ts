/** What goes wrong between host and board, in words that lead somewhere. */
import { ThimbleError } from '../core/errors.js';

export const interrupted = (): ThimbleError =>
  new ThimbleError('E_INTERRUPTED', 'interrupted; the board is left as it is and answers again', []);

export const portLost = (path: string, cause: unknown): ThimbleError =>
  new ThimbleError(
    'E_PORT_LOST',
    `the port ${path} went away`,
    [
      'Check the cable and the supply: a board that draws too much drops off the bus.',
      'Plug it in again and repeat; thimble ports shows whether it is back, perhaps under another name.',
    ],
    cause === undefined ? {} : { cause },
  );

/** @param said the board's line, as far as it is worth showing */
export const protocolError = (command: string, what: string, said = ''): ThimbleError =>
  new ThimbleError(
    'E_PROTOCOL',
    `the board ${what}${said === '' ? '' : `: ${said.slice(0, 80)}`}`,
    [
      'Repeat it: a single damaged line is noise on the cable.',
      'If it stays, lower the baud rate or shorten the cable, and check that nothing else prints on this port.',
    ],
    { where: `at the command "${command.slice(0, 40)}"` },
  );

/** Not worth another try: what the board was told before is gone. */
export const restarted = (): ThimbleError =>
  new ThimbleError('E_PORT_LOST', 'the board restarted while it worked, and lost its input', [
    'Check its supply: a board that draws too much restarts.',
    'Repeat it; if it happens at the same place again, the firmware has crashed: look at the stack with thimble monitor.',
  ]);

/** The board had left the binary mode and is back in it: it may have restarted, and what it held may be gone. */
export const linkRestored = (): ThimbleError =>
  protocolError('frames', 'had left the binary mode: it may have restarted');

export const silent = (command: string, silenceMs: number): ThimbleError =>
  new ThimbleError(
    'E_TIMEOUT',
    `the board stopped answering: nothing for ${seconds(silenceMs)}`,
    [
      'Reset the board and repeat.',
      'If an inference takes longer than that, allow more time with --timeout.',
      'If it happens at the same place again, the firmware has crashed: look at the stack with thimble monitor.',
    ],
    { where: `at the command "${command.slice(0, 40)}"` },
  );

/** Nothing that the protocol knows has ever come. Bytes that are no text are the mark of a wrong baud rate. */
export function noAnswer(
  path: string,
  silenceMs: number,
  { droppedBytes, receivedBytes }: { droppedBytes: number; receivedBytes: number },
): ThimbleError {
  if (receivedBytes > 0 && droppedBytes * 4 > receivedBytes)
    return new ThimbleError(
      'E_NO_ANSWER',
      `the board on ${path} sends bytes that are no text (${droppedBytes} of ${receivedBytes})`,
      [
        'The baud rate is likely wrong: give the firmware’s with --baud.',
        'Check that grounds are connected between the adapter and the board.',
      ],
    );
  return new ThimbleError(
    'E_NO_ANSWER',
    receivedBytes > 0
      ? `what is on ${path} talks (${receivedBytes} bytes), but does not answer Thimble’s commands`
      : `the board on ${path} does not answer: not a byte in ${seconds(silenceMs)}`,
    [
      'Flash it first: thimble flash, or thimble deploy for everything.',
      'Press reset, and check that the board’s TX goes to the adapter’s RX and the other way round.',
      'Check that this is the right port: thimble ports.',
    ],
  );
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
