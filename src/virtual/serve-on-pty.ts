/** A virtual board as a serial port that any program of this computer can open. */
import { execFile } from 'node:child_process';
import { lstatSync, mkdtempSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ThimbleError } from '../core/errors.js';
import { packageFolder } from '../files/package-folder.js';
import { missing, type OwnedProcess, onPath, startOwned } from './child-process.js';
import type { VirtualBoard } from './virtual-board.js';

const BRIDGE_SOURCE = join(packageFolder, 'firmware-templates', 'host', 'pty_bridge.c');
const START_TIMEOUT_MS = 10_000;
const MAX_WAITING_BYTES = 1024 * 1024; // for a client that opened the port and does not read

/** PATH.json: what a program that opens PATH cannot see from there. The origin of all that is measured is in it. */
export interface PtySidecar {
  readonly board: string;
  readonly origin: string;
  readonly nanosecondsPerInstruction?: number;
  readonly drive: string;
  readonly pid: number;
}

export interface PtyServer {
  readonly path: string;
  /** Resolves when the server has ended, whoever ended it. */
  readonly ended: Promise<void>;
  close(): Promise<void>; // idempotent; the board stays open
}

/**
 * Serves a board's port on a pty: PATH becomes a symbolic link to it, PATH.json says what board it is. Both go when the
 * server closes or this process dies, however it dies. A client may close the port and open it again.
 * @throws ThimbleError E_TOOL_MISSING (a C compiler makes the bridge), E_FILE (PATH is a file, or no place for one),
 * E_PORT_BUSY (another board is served there), E_TIMEOUT
 */
export async function serveOnPty(board: VirtualBoard, path: string): Promise<PtyServer> {
  const link = resolve(path);
  const sidecar = `${link}.json`;
  makeWay(link);
  const { origin, nanosecondsPerInstruction } = board.identity;
  const facts: PtySidecar = {
    board: board.spec.id,
    origin,
    ...(nanosecondsPerInstruction !== undefined && { nanosecondsPerInstruction }),
    drive: board.driveFolder,
    pid: process.pid,
  };
  const bridge = await startBridge(link, sidecar, `${JSON.stringify(facts, null, 2)}\n`);
  return connect(board, bridge, link, sidecar);
}

function connect(board: VirtualBoard, bridge: OwnedProcess, link: string, sidecar: string): PtyServer {
  const { stdin, stdout, stderr } = bridge.child;
  const tidy = (): void => {
    for (const file of [link, sidecar]) rmSync(file, { force: true });
  };
  const stopListening = board.port.onBytes((bytes) => {
    if (stdin!.writable && stdin!.writableLength < MAX_WAITING_BYTES) stdin!.write(bytes);
  });
  stdin!.on('error', () => {}); // the bridge ended: 'exit' follows
  stdout!.on('data', (bytes: Buffer) => {
    // Behind an "open" that the bridge said before: both may become readable at once.
    setImmediate(() => {
      board.port.write(bytes).catch(() => {}); // the port's own close event tells
    });
  });
  if (board.spec.serial.resetOnOpen)
    stderr!.on('data', (said: Buffer) => {
      if (/^open$/m.test(said.toString('latin1'))) void board.port.reset?.();
    });
  process.once('exit', tidy);
  const ended = new Promise<void>((done) => {
    bridge.child.once('exit', () => {
      stopListening();
      process.off('exit', tidy);
      tidy();
      done();
    });
  });
  const close = async (): Promise<void> => {
    await bridge.end();
    await ended;
  };
  board.port.onClose(() => void close());
  return { path: link, ended, close };
}

/** A link that leads nowhere is left from a crash; anything else stays as it is. */
function makeWay(link: string): void {
  const stat = lstatSync(link, { throwIfNoEntry: false });
  if (!stat) return;
  if (!stat.isSymbolicLink())
    throw new ThimbleError('E_FILE', `${link} exists and is no virtual port`, 'Choose another path for --pty.');
  if (statSync(link, { throwIfNoEntry: false }))
    throw new ThimbleError(
      'E_PORT_BUSY',
      `${link} is served already (${readlinkSync(link)})`,
      'End the other "thimble virtual", or choose another path for --pty.',
    );
  rmSync(link);
}

async function startBridge(link: string, sidecar: string, facts: string): Promise<OwnedProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'thimble-pty-'));
  try {
    const program = join(folder, 'pty_bridge');
    await compileBridge(program);
    writeSidecar(sidecar, facts); // before the link: whoever finds the port finds out what it is
    const bridge = await startOwned(program, [link, sidecar], 'pipe', 'Start it again.', true);
    await untilReady(bridge, link);
    return bridge;
  } catch (error) {
    rmSync(sidecar, { force: true });
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true }); // a running program keeps its file
  }
}

async function compileBridge(program: string): Promise<void> {
  const install = 'sudo apt-get install gcc libc6-dev';
  if (!onPath('cc')) throw missing('cc, a C compiler,', install);
  try {
    await promisify(execFile)('cc', ['-O1', '-o', program, BRIDGE_SOURCE], { timeout: START_TIMEOUT_MS * 3 });
  } catch (cause) {
    const said = String((cause as { stderr?: string }).stderr ?? '').trim();
    throw new ThimbleError('E_BUILD_FAILED', `cc could not build the pty bridge: ${said}`, install, { cause });
  }
}

function writeSidecar(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (cause) {
    throw new ThimbleError('E_FILE', `cannot write ${path}: ${(cause as Error).message}`, 'Choose another --pty.', {
      cause,
    });
  }
}

function untilReady(bridge: OwnedProcess, link: string): Promise<void> {
  return new Promise((ready, reject) => {
    const fail = (why: string): void => {
      void bridge.end();
      reject(new ThimbleError('E_FILE', `cannot serve on ${link}: ${why}`, 'Choose another path for --pty.'));
    };
    const timer = setTimeout(() => fail('the bridge does not answer'), START_TIMEOUT_MS);
    bridge.child.stderr!.on('data', () => {
      if (!/^ready$/m.test(bridge.lastWords())) return;
      clearTimeout(timer);
      ready();
    });
    bridge.child.once('exit', () => {
      clearTimeout(timer);
      fail(bridge.lastWords());
    });
  });
}
