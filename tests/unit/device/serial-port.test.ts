import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SerialPortMock } from 'serialport';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadBoard } from '../../../src/boards/load-board.js';
import { ThimbleError } from '../../../src/core/errors.js';
import { listPorts } from '../../../src/device/list-ports.js';
import { openError } from '../../../src/device/port-errors.js';
import { identifyPort, isPty } from '../../../src/device/port-identity.js';
import { connect } from '../../../src/device/protocol.js';
import { openSerialPort, portOfStream } from '../../../src/device/serial-port.js';
import { FakeBoard } from './fake-board.js';

const timeouts = { answerMs: 500, inferenceMs: 500 };
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing was thrown',
    (error: unknown) => (error instanceof ThimbleError ? error.code : String(error)),
  );

describe('a serial port with a mock binding', () => {
  const openMock = async () => {
    SerialPortMock.binding.reset();
    SerialPortMock.binding.createPort('/dev/mock', { echo: false, record: true });
    const stream = new SerialPortMock({ path: '/dev/mock', baudRate: 115200, autoOpen: false });
    await new Promise<void>((resolve, reject) => stream.open((error) => (error ? reject(error) : resolve())));
    const identity = { path: '/dev/mock', kind: 'serial', origin: 'device' } as const;
    return { stream, port: portOfStream(stream as never, identity) };
  };

  it('carries the protocol both ways', async () => {
    const { stream, port } = await openMock();
    const board = new FakeBoard();
    board.onBytes((bytes) => stream.port?.emitData(Buffer.from(bytes)));
    const write = port.write.bind(port);
    const bridged = {
      ...port,
      write: async (bytes: Uint8Array) => {
        await write(bytes);
        await board.write(bytes);
      },
    };
    const link = await connect(bridged, { timeouts });
    expect((await link.run(2)).length).toBe(2);
    expect(stream.port?.recording.toString()).toContain('run 2 0%');
    await link.close();
    await link.close(); // a second time does nothing
    expect(stream.isOpen).toBe(false);
  });

  it('tells of a port that vanishes, also those who ask late', async () => {
    const { stream, port } = await openMock();
    const seen: string[] = [];
    port.onClose((error) => seen.push(error?.message ?? 'closed'));
    stream.emit('close', Object.assign(new Error('device disconnected'), { disconnected: true }));
    port.onClose((error) => seen.push(`late: ${error?.message}`));
    expect(seen).toEqual(['the port /dev/mock went away', 'late: the port /dev/mock went away']);
    expect(await codeOf(port.write(Uint8Array.of(1)))).toBe('E_PORT_LOST');
  });

  it('looks at its file in /dev: a hung-up pty says nothing by itself', async () => {
    const { stream } = await openMock();
    let there = true;
    const identity = { path: '/dev/mock', kind: 'pty', origin: 'host' } as const;
    const port = portOfStream(
      stream as never,
      identity,
      () => {},
      () => there,
    );
    const lost = new Promise((resolve) => port.onClose(resolve));
    there = false;
    expect(await lost).toMatchObject({ code: 'E_PORT_LOST' });
    expect(stream.isOpen).toBe(false);
  });

  it('resets through the modem lines, and only warns where there are none', async () => {
    const { stream } = await openMock();
    const calls: unknown[] = [];
    const warnings: string[] = [];
    const fake = Object.assign(Object.create(stream), {
      set: (lines: unknown, done: (error?: Error) => void) => {
        calls.push(lines);
        done(new Error('Inappropriate ioctl for device, cannot set'));
      },
    });
    await portOfStream(fake, { path: 'p', kind: 'pty', origin: 'host' }, (w) => warnings.push(w)).reset?.();
    expect(calls).toEqual([
      { dtr: false, rts: false },
      { dtr: true, rts: true },
    ]);
    expect(warnings[0]).toContain('no reset line');
  });
});

describe('why a port does not open', () => {
  it.each([
    ['Error: Permission denied, cannot open /dev/ttyACM0', 'E_PORT_BUSY', 'dialout'],
    ['Error Resource temporarily unavailable Cannot lock port', 'E_PORT_BUSY', 'lsof'],
    ['Error: Device or resource busy, cannot open /dev/ttyUSB0', 'E_PORT_BUSY', 'monitor'],
    ['Error: No such file or directory, cannot open /dev/ttyUSB9', 'E_NO_PORT', 'thimble ports'],
    ['something else', 'E_NO_PORT', 'serial port'],
  ])('%s', (message, code, hint) => {
    const error = openError('/dev/ttyX', new Error(message));
    expect(error.code).toBe(code);
    expect(error.hints.join(' ')).toContain(hint);
    expect(error.hints.length).toBeLessThanOrEqual(3);
  });

  it('is told for a path that is not there, and one that is no port', async () => {
    expect(await codeOf(openSerialPort('/dev/thimble-none', { baud: 115200 }))).toBe('E_NO_PORT');
    expect(await codeOf(openSerialPort(import.meta.filename, { baud: 115200 }))).toBe('E_NO_PORT');
  });
});

describe('listing ports', () => {
  const boards = [loadBoard('pico'), loadBoard('host')];
  it('guesses the board by its USB id and leaves legacy ports out', async () => {
    const ports = await listPorts(boards, async () => [
      { path: '/dev/ttyS0' },
      { path: '/dev/ttyUSB0', vendorId: '1a86', productId: '7523' },
      { path: '/dev/ttyACM0', vendorId: '2E8A', productId: '000A', serialNumber: 'E66', manufacturer: 'Raspberry Pi' },
    ]);
    expect(ports.map(({ path }) => path)).toEqual(['/dev/ttyACM0', '/dev/ttyUSB0']);
    expect(ports[0]).toMatchObject({ usbId: '2e8a:000a', boards: ['rpi-pico'], kind: 'serial', serialNumber: 'E66' });
    expect(ports[1]?.boards).toEqual([]);
  });

  it('is empty where the system cannot list, but says that serialport is missing', async () => {
    expect(await listPorts(boards, () => Promise.reject(new Error('spawn udevadm ENOENT')))).toEqual([]);
    const missing = new ThimbleError('E_TOOL_MISSING', 'no serialport', []);
    expect(await codeOf(listPorts(boards, () => Promise.reject(missing)))).toBe('E_TOOL_MISSING');
    expect(Array.isArray(await listPorts(boards))).toBe(true);
  });
});

const withoutSocat = (() => {
  try {
    execFileSync('socat', ['-V'], { stdio: 'ignore' });
    return process.platform !== 'linux';
  } catch {
    return true;
  }
})();

describe.skipIf(withoutSocat)('a real pty (needs socat)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'thimble-pty-'));
  const [near, far] = [join(folder, 'near'), join(folder, 'far')];
  let socat: ReturnType<typeof spawn>;
  beforeAll(async () => {
    socat = spawn('socat', [`pty,raw,echo=0,link=${near}`, `pty,raw,echo=0,link=${far}`], { stdio: 'ignore' });
    for (let i = 0; i < 100 && !(existsSync(near) && existsSync(far)); i++)
      await new Promise((resolve) => setTimeout(resolve, 20));
  });
  afterAll(() => {
    socat.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is never a device, under whatever name', () => {
    const disguise = join(folder, 'ttyACM0');
    symlinkSync(near, disguise);
    expect(isPty(disguise)).toBe(true);
    expect(identifyPort(disguise)).toEqual({ path: disguise, kind: 'pty', origin: 'host' });
    expect(identifyPort('/dev/null')).toMatchObject({ kind: 'serial' });
  });

  const sidecar = { board: 'rpi-pico', origin: 'virtual-cycles', pid: process.pid };
  it.each([
    ['cycles', sidecar, { origin: 'virtual-cycles', board: 'rpi-pico' }],
    [
      'instructions',
      { ...sidecar, origin: 'virtual-instructions', nanosecondsPerInstruction: 8 },
      { origin: 'virtual-instructions', nanosecondsPerInstruction: 8 },
    ],
    ['a claim to be a device', { ...sidecar, origin: 'device' }, { origin: 'host' }],
    ['instructions without their time', { ...sidecar, origin: 'virtual-instructions' }, { origin: 'host' }],
    ['a process that is gone', { ...sidecar, pid: 2 ** 22 + 1 }, { origin: 'host' }],
    ['no JSON', '{"board":', { origin: 'host' }],
  ])('takes its origin from the note beside it: %s', (_, note, expected) => {
    writeFileSync(`${near}.json`, typeof note === 'string' ? note : JSON.stringify(note));
    const identity = identifyPort(near);
    rmSync(`${near}.json`);
    expect(identity).toMatchObject({ kind: 'pty', ...expected });
  });

  it('talks to a board through serialport, is locked meanwhile, and notices the other end going away', async () => {
    const boardSide = await openSerialPort(far, { baud: 115200 });
    const board = new FakeBoard({ chunk: 7 });
    board.onBytes((bytes) => void boardSide.write(bytes).catch(() => {}));
    boardSide.onBytes((bytes) => void board.write(bytes));
    const port = await openSerialPort(near, { baud: 115200 });
    const link = await connect(port, { timeouts });
    const [reading] = await link.run(1);
    expect(reading).toMatchObject({ kind: 'inference', origin: 'host' });
    expect(await codeOf(openSerialPort(near, { baud: 115200 }))).toBe('E_PORT_BUSY');
    const lost = codeOf(link.stream(() => {}));
    socat.kill();
    expect(await lost).toBe('E_PORT_LOST');
    await link.close();
    await boardSide.close();
  });
});
