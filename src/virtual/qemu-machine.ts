/**
 * One run of a firmware on QEMU. With -icount, virtual time is instructions × 2^shift nanoseconds, the same from run to
 * run; sleep=off lets it pass as fast as this computer can. The serial line comes back over a socket of ours, since
 * QEMU's own pty loses what the board says at reset.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { ThimbleError } from '../core/errors.js';
import { installHint } from '../tools/install-hint.js';
import { missing, type OwnedProcess, onPath, startOwned } from './child-process.js';

const STM32_FLASH = 0x08000000; // the only chip here that is given its flash as bytes
const CONNECT_TIMEOUT_MS = 15_000;

/** 64 ns: more than a tick of the boards' 25 MHz timers, so that the ticks tell every instruction. */
const ICOUNT_SHIFT = 6;
export const NANOSECONDS_PER_INSTRUCTION = 2 ** ICOUNT_SHIFT;

export interface QemuMachine {
  readonly program: 'qemu-system-arm' | 'qemu-system-riscv32';
  readonly name: string;
  readonly serialLine?: number; // 0: the first
}

export interface MachineRun {
  write(bytes: Uint8Array): Promise<void>;
  end(): Promise<void>;
}

export interface RunListeners {
  readonly onBytes: (bytes: Uint8Array) => void;
  readonly onEnd: (error: Error) => void; // QEMU went away by itself
}

/** @throws ThimbleError E_TOOL_MISSING, E_ENGINE (QEMU refuses the image or the machine), E_TIMEOUT */
export async function startQemu(machine: QemuMachine, image: string, listeners: RunListeners): Promise<MachineRun> {
  const { program, name, serialLine = 0 } = machine;
  const install = installHint(program);
  if (!onPath(program)) throw missing(program, install);
  const server = createServer();
  const port = await listen(server);
  const args = [
    ...['-M', name, ...loading(image), '-icount', `shift=${ICOUNT_SHIFT},sleep=off`],
    ...['-display', 'none', '-monitor', 'none', '-nic', 'none'],
    ...Array.from({ length: serialLine }, () => ['-serial', 'null']).flat(),
    ...['-serial', `tcp:127.0.0.1:${port},nodelay=on`],
  ];
  let qemu: OwnedProcess | undefined;
  try {
    // Somebody has to be listening for the connection before QEMU starts, or it would be missed.
    const connection = firstConnection(server);
    qemu = await startOwned(program, args, 'ignore', install);
    const socket = await Promise.race([connection, died(qemu)]);
    return running(qemu, socket, listeners);
  } catch (error) {
    await qemu?.end();
    throw error;
  } finally {
    server.close();
  }
}

/** What is no ELF goes past -kernel, which would take a .hex for machine code. */
function loading(image: string): readonly string[] {
  const form = /\.(hex|bin)$/i.exec(image)?.[1]?.toLowerCase();
  if (form === undefined) return ['-kernel', image];
  const loader = `loader,file=${image.replaceAll(',', ',,')}`;
  return ['-device', form === 'bin' ? `${loader},addr=0x${STM32_FLASH.toString(16)},force-raw=on` : loader];
}

function running(qemu: OwnedProcess, socket: Socket, { onBytes, onEnd }: RunListeners): MachineRun {
  let wanted = false;
  socket.setNoDelay(true);
  socket.on('data', onBytes);
  socket.on('error', () => {}); // 'close' follows
  socket.on('close', () => {
    if (!wanted) onEnd(stopped(qemu));
  });
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        socket.write(bytes, (cause) => {
          if (cause) reject(new ThimbleError('E_PORT_LOST', 'the virtual board is gone', 'Start it again.', { cause }));
          else resolve();
        });
      }),
    end: async () => {
      wanted = true;
      socket.destroy();
      await qemu.end();
    },
  };
}

const listen = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });

const firstConnection = (server: Server): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new ThimbleError('E_TIMEOUT', 'QEMU did not open its serial line within 15 s', 'Try again.')),
      CONNECT_TIMEOUT_MS,
    );
    server.once('connection', (socket) => {
      clearTimeout(timer);
      resolve(socket);
    });
    server.once('close', () => clearTimeout(timer));
  });

const died = ({ child, ...qemu }: OwnedProcess): Promise<never> =>
  new Promise((_, reject) => {
    child.once('exit', () => reject(stopped({ child, ...qemu })));
  });

const stopped = (qemu: OwnedProcess): ThimbleError =>
  new ThimbleError(
    'E_ENGINE',
    `QEMU stopped${qemu.lastWords() === '' ? '' : `: ${qemu.lastWords().split('\n').slice(-3).join('; ')}`}`,
    'Build the firmware again; QEMU 7.2 or later is needed.',
  );
