/**
 * What the methods that call a program have in common: their commands are data, shown by --dry-run and run as shown.
 * A method says what to call and how to read its progress; this does the rest.
 */
import { existsSync } from 'node:fs';
import { ThimbleError } from '../core/errors.js';
import { markPort, waitForReturn } from '../device/port-return.js';
import { runTool, ToolFailure } from '../tools/run-tool.js';
import type { FlashMethod, FlashRequest } from './flash-method.js';
import { checkImageFits } from './image-fits.js';

/** Stands in a dry run for the port that was not named. */
export const OPEN_PORT = '{port}';

const FLASH_TIMEOUT_MS = 600_000; // 4 MiB at 57,600 baud

export interface FlashTool {
  readonly name: string;
  readonly needsPort: boolean;
  readonly wantsPort?: FlashMethod['wantsPort'];
  /** It waits for ever for a port that is not there, instead of saying so. */
  readonly waitsForPort?: boolean;
  /**
   * The commands in their order. Throws where the image lacks the file that the tool takes, before the board is touched.
   * @param port FlashRequest.port, or what `enterBootLoader` found; OPEN_PORT in a dry run without one
   * @param baud one of `bauds`, or the board's
   */
  commands(request: FlashRequest, port: string, baud: number): readonly FlashCommand[];
  /** Line speeds, fastest first: the next one is tried where the tool's words say that the line may be the cause. */
  bauds?(request: FlashRequest): readonly number[];
  /** Brings the board into its boot loader and says at which port that is. */
  readonly bootLoader?: {
    readonly does: string; // for the dry run
    enter(request: FlashRequest): Promise<string>;
    /** Whether the program, once it starts, has a port of its own that takes the boot loader's place. */
    readonly givesWay?: boolean;
  };
  /** How far a write has come, 0 … 1, from all that the tool has said; undefined while it says nothing of it. */
  progress?(said: string): number | undefined;
  /** How long the tool may say nothing before it counts as hanging; without it, as long as flashing may take. */
  readonly silenceMs?: number;
  /** In what state a write leaves the board that broke off, and how a person gets it back. */
  readonly brokenOff: { readonly state: string; readonly recover: readonly string[] };
}

export interface FlashCommand {
  readonly does: string; // 'write and verify'
  readonly program: string;
  readonly args: readonly string[];
}

export function flashByTool(tool: FlashTool): FlashMethod {
  const { name, needsPort, wantsPort, bootLoader } = tool;
  return {
    name,
    needsPort,
    ...(wantsPort && { wantsPort }),
    describe: (request) => {
      checkImageFits(request.board, request.image);
      const steps = tool.commands(request, request.port ?? OPEN_PORT, baudsOf(tool, request)[0]!).map(commandText);
      return bootLoader ? [`# ${bootLoader.does}`, ...steps] : steps;
    },
    flash: async (request) => {
      checkImageFits(request.board, request.image);
      if (needsPort && request.port === undefined)
        throw new ThimbleError('E_NO_PORT', `${name} needs the port of the ${request.board.name}`, [
          'Say which: --port PATH; thimble ports lists them.',
        ]);
      if (tool.waitsForPort) refuseMissingPort(request.port!);
      const bauds = baudsOf(tool, request);
      tool.commands(request, OPEN_PORT, bauds[0]!); // a missing file is found before the board is touched
      const mark = bootLoader?.givesWay && request.port !== undefined ? await markPort(request.port) : undefined;
      const port = bootLoader ? await bootLoader.enter(request) : (request.port ?? OPEN_PORT);
      for (const [attempt, baud] of bauds.entries()) {
        try {
          for (const command of tool.commands(request, port, baud)) await run(tool, command, request);
          if (mark) request.onPort?.(await waitForReturn(mark, { signal: request.signal, mustGo: true }));
          return;
        } catch (error) {
          const next = bauds[attempt + 1];
          if (next === undefined || !mayBeTheLine(error)) throw error;
          const message = `no luck at ${baud} baud: trying ${next}`;
          request.onEvent?.({ stage: 'flash', message });
        }
      }
    },
  };
}

/**
 * Names on Windows are no paths: opening them finds out.
 * @throws ThimbleError E_NO_PORT
 */
export function refuseMissingPort(port: string): void {
  if (!port.startsWith('/') || existsSync(port)) return;
  throw new ThimbleError('E_NO_PORT', `there is no port ${port}; the board is unchanged`, [
    'thimble ports lists those that are there; a board may get another name each time it is plugged in.',
    'Or let Thimble find it: --port auto',
  ]);
}

const baudsOf = (tool: FlashTool, request: FlashRequest): readonly number[] =>
  tool.bauds?.(request) ?? [request.board.serial.baud];

const mayBeTheLine = (error: unknown): boolean =>
  error instanceof ThimbleError && error.cause instanceof ToolFailure && error.cause.retrySlower;

async function run(tool: FlashTool, { does, program, args }: FlashCommand, request: FlashRequest): Promise<void> {
  const { onEvent, signal } = request;
  onEvent?.({ stage: 'flash', message: `${does}: ${commandText({ does, program, args })}` });
  let said = '';
  let shown = -1;
  const onText = (text: string): void => {
    said += text;
    const percent = Math.floor(100 * Math.min(1, tool.progress?.(said) ?? -1));
    if (percent <= shown) return;
    shown = percent;
    onEvent?.({ stage: 'flash', done: percent, total: 100 });
  };
  const { state, recover } = tool.brokenOff;
  try {
    await runTool([program, ...args], {
      signal,
      onText,
      timeoutMs: FLASH_TIMEOUT_MS,
      silenceMs: tool.silenceMs,
      failure: { code: 'E_FLASH_FAILED', hints: recover },
    });
  } catch (error) {
    if (error instanceof ThimbleError && error.code === 'E_INTERRUPTED')
      throw new ThimbleError('E_INTERRUPTED', `flashing was interrupted: ${state}`, recover);
    if (error instanceof ThimbleError && error.code === 'E_FLASH_FAILED' && shown >= 0)
      throw new ThimbleError('E_FLASH_FAILED', `${error.message}; ${state}`, error.hints, {
        ...(error.where !== undefined && { where: error.where }),
        cause: error.cause,
      });
    throw error;
  }
}

/** As a person types it: quoted where a shell would read more than a word. */
export const commandText = ({ program, args }: FlashCommand): string => [program, ...args].map(shellWord).join(' ');

const shellWord = (word: string): string =>
  /^[\w@%+=:,./{}-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/**
 * The file of an image that a tool takes.
 * @throws ThimbleError E_FLASH_FAILED where the image has none
 */
export function fileOf(request: FlashRequest, form: 'hex' | 'bin' | 'elf' | 'uf2'): string {
  const { image, board } = request;
  const path = form === 'elf' ? image.executable : image[form];
  if (path?.toLowerCase().endsWith(`.${form}`)) return path;
  if (path !== undefined && form !== 'elf') return path;
  throw new ThimbleError(
    'E_FLASH_FAILED',
    `this way to flash the ${board.name} takes a .${form} file, and ${image.executable} is none; the board is unchanged`,
    [`Build it: thimble build MODEL --board ${board.id}`, `Or give the .${form} file itself to thimble flash.`],
  );
}

/** A board file's flash.options entry as text. */
export const optionOf = ({ board }: FlashRequest, name: string): string | undefined => {
  const value = board.flash.options?.[name];
  return value === undefined ? undefined : String(value);
};

/** @throws ThimbleError E_BOARD_FILE where a board's file lacks what its method needs */
export function requiredOption(request: FlashRequest, name: string): string {
  const value = optionOf(request, name);
  if (value !== undefined) return value;
  throw new ThimbleError(
    'E_BOARD_FILE',
    `the flash method "${request.board.flash.method}" needs the option "${name}"`,
    'Add it to the board file.',
    { where: `in board "${request.board.id}" at $.flash.options` },
  );
}
