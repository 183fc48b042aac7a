/**
 * ESP32 chips, by Espressif's esptool-js in this process: no Python. It loads a stub into the chip's RAM, sends the
 * image compressed and compares the MD5 of what is in flash afterwards.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ESPLoader, Transport } from 'esptool-js';
import { ThimbleError } from '../core/errors.js';
import { markPort, waitForReturn } from '../device/port-return.js';
import { translate } from '../tools/translate.js';
import { espBauds, espBrokenOff, espChip, espParts, esptoolArgs, readPart } from './esp-image.js';
import type { FlashMethod, FlashRequest } from './flash-method.js';
import { checkImageFits } from './image-fits.js';
import { commandText, OPEN_PORT } from './tool-method.js';
import { WebSerialPort } from './web-serial.js';

const ROM_BAUD = 115_200;

export const esptool: FlashMethod = {
  name: 'esptool',
  needsPort: true,
  describe: (request) => {
    checkImageFits(request.board, request.image);
    const port = request.port ?? OPEN_PORT;
    const args = esptoolArgs(request, port, espBauds(request)[0]!);
    return [
      `# by esptool-js in this process, which does what this command does:`,
      commandText({ does: '', program: 'esptool', args }),
    ];
  },
  flash: async (request) => {
    checkImageFits(request.board, request.image);
    const { port, onEvent } = request;
    if (port === undefined)
      throw new ThimbleError(
        'E_NO_PORT',
        `esptool needs the port of the ${request.board.name}`,
        'Say which: --port PATH',
      );
    espParts(request); // what is missing or no image is found before the board is touched
    const mark = await markPort(port);
    const bauds = espBauds(request);
    for (const [attempt, baud] of bauds.entries()) {
      try {
        await flashOnce(request, port, baud);
        break;
      } catch (error) {
        const next = bauds[attempt + 1];
        if (!(error instanceof LineTrouble)) throw error;
        if (next === undefined || request.signal?.aborted) throw error.told;
        onEvent?.({ stage: 'flash', message: `no luck at ${baud} baud: trying ${next}` });
      }
    }
    request.onPort?.(await waitForReturn(mark, { signal: request.signal }));
  },
};

/** A failure that a slower line may mend, with what to tell if it does not. */
class LineTrouble extends Error {
  readonly told: ThimbleError;

  constructor(told: ThimbleError) {
    super(told.message);
    this.told = told;
  }
}

async function flashOnce(request: FlashRequest, port: string, baud: number): Promise<void> {
  const { ESPLoader, Transport } = await import('esptool-js');
  const mark = await markPort(port);
  const usbId = mark.vendorId && mark.productId ? `${mark.vendorId}:${mark.productId}` : undefined;
  const device = new WebSerialPort(port, usbId);
  const transport = new Transport(device as unknown as ConstructorParameters<typeof Transport>[0], false);
  transport.trace = () => {}; // it prints, even where nobody asked it to
  const said: string[] = [];
  const loader = new ESPLoader({ transport, baudrate: baud, romBaudrate: ROM_BAUD, terminal: terminalFor(said) });
  const state = { writing: false };
  const talking = talk(loader, transport, request, state);
  talking.catch(() => undefined); // one that was interrupted ends later, when nobody waits for it any more
  try {
    await untilAborted(talking, request.signal);
  } catch (cause) {
    throw failure(cause, said.join(''), request, state.writing);
  } finally {
    if (!request.signal?.aborted) await transport.disconnect().catch(() => undefined);
    await device.close();
  }
}

/** esptool-js cannot be stopped: it is left behind, without a port. */
async function untilAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return work;
  const stop = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const give = () => reject(new Error('aborted'));
    if (signal.aborted) give();
    signal.addEventListener('abort', give, { once: true, signal: stop.signal });
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    stop.abort();
  }
}

async function talk(
  loader: ESPLoader,
  transport: Transport,
  request: FlashRequest,
  state: { writing: boolean },
): Promise<void> {
  const { onEvent } = request;
  onEvent?.({ stage: 'flash', message: 'asking the chip into its loader' });
  await loader.main();
  checkChip(loader.chip.CHIP_NAME, request);
  const parts = espParts(request).map((part) => ({ ...part, data: readPart(part) }));
  const total = parts.reduce((sum, { data }) => sum + data.length, 0);
  onEvent?.({
    stage: 'flash',
    message: `${loader.chip.CHIP_NAME} answers; writing ${parts.length} files, ${total} bytes`,
  });
  state.writing = true;
  await loader.writeFlash({
    fileArray: parts.map(({ address, data }) => ({ address, data })),
    flashMode: 'keep',
    flashFreq: 'keep',
    flashSize: 'keep',
    eraseAll: false,
    compress: true,
    calculateMD5Hash: (image) => createHash('md5').update(image).digest('hex'),
    reportProgress: (index, written, compressed) => {
      const before = parts.slice(0, index).reduce((sum, { data }) => sum + data.length, 0);
      const done = before + Math.round((parts[index]!.data.length * written) / compressed);
      onEvent?.({ stage: 'flash', done, total });
    },
  });
  state.writing = false;
  await hardReset(transport);
}

const RESET_MS = 100; // that EN stays low

/**
 * RTS pulls EN low while DTR leaves the boot pin high: the program starts. esptool-js' own hard reset only lets RTS go,
 * which restarts nothing where it was not held before.
 */
export async function hardReset(transport: Pick<Transport, 'setDTR' | 'setRTS'>): Promise<void> {
  await transport.setDTR(false);
  await transport.setRTS(true);
  await sleep(RESET_MS);
  await transport.setRTS(false);
}

/** 'ESP32-S3' is 'esp32s3'. */
function checkChip(found: string, request: FlashRequest): void {
  const wanted = espChip(request);
  if (found.toLowerCase().replaceAll('-', '') === wanted) return;
  throw new ThimbleError(
    'E_FLASH_FAILED',
    `the chip at ${request.port} is an ${found}; the ${request.board.name} has an ${wanted}; nothing was written`,
    ['Choose the board that is plugged in: thimble boards'],
  );
}

/** esptool-js says what happens on a terminal of its own; its last words help where it fails. */
const terminalFor = (said: string[]) => ({
  clean: () => {},
  write: (text: string) => void said.push(text),
  writeLine: (text: string) => void said.push(`${text}\n`),
});

function failure(cause: unknown, said: string, request: FlashRequest, writing: boolean): Error {
  const { signal, port } = request;
  const { state, recover } = espBrokenOff;
  if (signal?.aborted)
    return new ThimbleError(
      'E_INTERRUPTED',
      `flashing was interrupted: ${writing ? state : 'the board is unchanged'}`,
      recover,
    );
  if (cause instanceof ThimbleError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  const known = translate('esptool', `${said}\n${message}`);
  const where = `at ${port}`;
  const told = new ThimbleError(
    known?.code ?? 'E_FLASH_FAILED',
    `${known ? `${known.what}: ${known.why}` : `esptool-js: ${message}`}; ${writing ? state : 'the board is unchanged'}`,
    known?.next ?? recover,
    { where, cause },
  );
  // What it does not know is a line that garbles, more often than not.
  return known === undefined || known.retrySlower ? new LineTrouble(told) : told;
}
