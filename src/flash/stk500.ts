/** The boot loaders of AVR boards, in this process: for computers without avrdude. */
import { ThimbleError } from '../core/errors.js';
import { decodeIntelHex } from '../core/intel-hex.js';
import { openSerialPort } from '../device/serial-port.js';
import { readFileOf } from '../files/read-file.js';
import { avrBauds, avrBrokenOff } from './avr-boards.js';
import { ByteLine, LineSilent } from './byte-line.js';
import type { FlashMethod, FlashRequest } from './flash-method.js';
import { checkImageFits } from './image-fits.js';
import { type BootLoader, BootLoaderRefused, Stk500Version1, Stk500Version2 } from './stk500-protocols.js';
import { fileOf, OPEN_PORT, refuseMissingPort, requiredOption } from './tool-method.js';

/** What avrdude's configuration says of the parts that it names so. */
const parts: Readonly<Record<string, { readonly signature: string; readonly pageBytes: number }>> = {
  m328p: { signature: '1e950f', pageBytes: 128 },
  m2560: { signature: '1e9801', pageBytes: 256 },
};
const protocols = { arduino: Stk500Version1, wiring: Stk500Version2 } as const;

const SYNC_TRIES = 5; // in all a second and a half: no boot loader listens longer
const CONNECT_MS = 300; // behind the reset, as avrdude waits: Optiboot blinks, and reads what came in between afterwards

export const stk500: FlashMethod = {
  name: 'stk500',
  needsPort: true,
  describe: (request) => {
    checkImageFits(request.board, request.image);
    const { part, programmer } = partOf(request);
    const [baud] = avrBauds(request);
    return [
      `# in this process, as avrdude does it: reset ${request.port ?? OPEN_PORT}, speak "${programmer}" at ${baud} baud to the boot loader,`,
      `# check that the chip is ${part}, write ${fileOf(request, 'hex')} page by page, read it back and start it`,
    ];
  },
  flash: async (request) => {
    checkImageFits(request.board, request.image);
    const { port } = request;
    if (port === undefined)
      throw new ThimbleError(
        'E_NO_PORT',
        `stk500 needs the port of the ${request.board.name}`,
        'Say which: --port PATH',
      );
    refuseMissingPort(port);
    const chip = partOf(request);
    const pages = pagesOf(fileOf(request, 'hex'), chip.pageBytes);
    const bauds = avrBauds(request);
    for (const [attempt, baud] of bauds.entries()) {
      if (await flashAt(port, baud, chip, pages, request)) return;
      const next = bauds[attempt + 1];
      if (next !== undefined)
        request.onEvent?.({ stage: 'flash', message: `no answer at ${baud} baud: trying ${next}` });
    }
    throw new ThimbleError(
      'E_FLASH_FAILED',
      'the boot loader does not answer: it listens for a second after a reset; the board still runs what it ran before',
      [
        'Take away what is wired to pins 0 and 1 while you flash, and close serial monitors.',
        'Press reset just before it starts; check that board and port are the right ones: thimble ports',
      ],
    );
  },
};

interface Part {
  readonly part: string;
  readonly programmer: keyof typeof protocols;
  readonly signature: string;
  readonly pageBytes: number;
}

/** @throws ThimbleError E_BOARD_FILE */
function partOf(request: FlashRequest): Part {
  const part = requiredOption(request, 'part');
  const programmer = requiredOption(request, 'programmer');
  const known = parts[part];
  if (known && (programmer === 'arduino' || programmer === 'wiring')) return { part, programmer, ...known };
  throw new ThimbleError(
    'E_BOARD_FILE',
    `stk500 knows the parts ${Object.keys(parts).join(' and ')}, programmers arduino and wiring; not ${part} by ${programmer}`,
    'Flash it by avrdude: --method avrdude',
    { where: `in board "${request.board.id}" at $.flash.options` },
  );
}

/** The pages that the program touches, by address; what it leaves out of them is erased. */
function pagesOf(hexFile: string, pageBytes: number): ReadonlyMap<number, Uint8Array> {
  const pages = new Map<number, Uint8Array>();
  const text = new TextDecoder().decode(readFileOf('the firmware', hexFile));
  for (const { address, bytes } of decodeIntelHex(text))
    for (const [i, byte] of bytes.entries()) {
      const at = address + i;
      const start = at - (at % pageBytes);
      if (!pages.has(start)) pages.set(start, new Uint8Array(pageBytes).fill(0xff));
      pages.get(start)![at - start] = byte;
    }
  return new Map([...pages].sort(([a], [b]) => a - b));
}

/** @returns false where no boot loader answers at this speed */
async function flashAt(
  path: string,
  baud: number,
  chip: Part,
  pages: ReadonlyMap<number, Uint8Array>,
  { onEvent, signal }: FlashRequest,
): Promise<boolean> {
  const port = await openSerialPort(path, { baud });
  const line = new ByteLine(port, signal);
  let written = 0;
  try {
    await port.reset?.();
    await new Promise((resolve) => setTimeout(resolve, CONNECT_MS));
    const loader = new protocols[chip.programmer](line);
    if (!(await syncWith(loader))) return false;
    await checkSignature(loader, chip);
    onEvent?.({ stage: 'flash', message: `the ${chip.part} answers at ${baud} baud: writing ${pages.size} pages` });
    await loader.begin();
    for (const [address, bytes] of pages) {
      written++; // from now on it may be half a program
      await loader.writePage(address, bytes);
      onEvent?.({ stage: 'flash', done: written, total: pages.size });
    }
    await verify(loader, pages);
    await loader.end();
    return true;
  } catch (error) {
    throw failure(error, written > 0, signal);
  } finally {
    line.end();
    await port.close();
  }
}

async function syncWith(loader: BootLoader): Promise<boolean> {
  for (let attempt = 0; attempt < SYNC_TRIES; attempt++) if (await loader.sync()) return true;
  return false;
}

async function checkSignature(loader: BootLoader, { part, signature }: Part): Promise<void> {
  const found = await loader.signature();
  if (found === signature) return;
  throw new ThimbleError(
    'E_FLASH_FAILED',
    `the chip on the board is no ${part}: it shows the signature ${found}, not ${signature}; nothing was written`,
    'Choose the board that is plugged in: thimble boards',
  );
}

async function verify(loader: BootLoader, pages: ReadonlyMap<number, Uint8Array>): Promise<void> {
  for (const [address, bytes] of pages) {
    const read = await loader.readPage(address, bytes.length);
    const wrong = bytes.findIndex((byte, i) => byte !== read[i]);
    if (wrong < 0) continue;
    throw new ThimbleError(
      'E_FLASH_FAILED',
      `the board does not hold what was written: the first byte that differs is at 0x${(address + wrong).toString(16)}`,
      ['Flash again, with a shorter cable and no hub.', 'If it is always the same address, the chip is worn out.'],
    );
  }
}

function failure(error: unknown, wrote: boolean, signal: AbortSignal | undefined): unknown {
  const { state, recover } = wrote
    ? avrBrokenOff
    : { state: 'nothing was written yet; the board still runs what it ran before', recover: ['Flash again.'] };
  if (signal?.aborted) return new ThimbleError('E_INTERRUPTED', `flashing was interrupted: ${state}`, recover);
  if (error instanceof ThimbleError && error.code === 'E_FLASH_FAILED') return error;
  if (error instanceof ThimbleError)
    return new ThimbleError(error.code, `${error.message}; ${state}`, error.hints, { cause: error.cause });
  if (!(error instanceof LineSilent || error instanceof BootLoaderRefused)) return error;
  const what = error instanceof LineSilent ? 'fell silent' : 'refused';
  return new ThimbleError('E_FLASH_FAILED', `the boot loader ${what} (${error.message}); ${state}`, recover, {
    cause: error,
  });
}
