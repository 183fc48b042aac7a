/** --port auto on computers made of folders and ptys: which port it takes, and when it rather asks or gives up. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listBoards, loadBoard } from '../../../src/boards/load-board.js';
import type { Port } from '../../../src/core/port.js';
import { greet } from '../../../src/device/greet.js';
import { listPorts } from '../../../src/device/list-ports.js';
import { accessAdvice, accessFacts } from '../../../src/device/port-access.js';
import { openError } from '../../../src/device/port-errors.js';
import { recallPort, rememberPort, stateFile } from '../../../src/device/remembered-ports.js';
import { openSerialPort } from '../../../src/device/serial-port.js';
import { systemPorts, tellsOfUsb, usbDevices } from '../../../src/device/usb-devices.js';
import { AUTO, type PortWorld, resolvePort } from '../../../src/pipeline/find-port.js';
import { whyNoPort } from '../../../src/pipeline/missing-port.js';
import { connectBoard } from '../../../src/pipeline/open-board.js';
import { FakeBoard } from '../device/fake-board.js';

const root = mkdtempSync(join(tmpdir(), 'thimble-find-port-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folder: string;
let count = 0;
beforeEach(() => {
  folder = join(root, `${count++}`);
});

interface Plugged {
  readonly name?: string; // of the port, absent: it has none
  readonly id: string;
  readonly serial?: string;
  readonly product?: string;
  readonly isHub?: boolean;
}

/** /sys as Linux lays it out: a device, its interface, and the port below that, with links from the class and the bus. */
function sysWith(...devices: readonly Plugged[]): string {
  const sys = join(folder, 'sys');
  const put = (path: string, text: string) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${text}\n`);
  };
  mkdirSync(join(sys, 'class', 'tty', 'tty0'), { recursive: true }); // a console has no device
  mkdirSync(join(sys, 'bus', 'usb', 'devices'), { recursive: true });
  mkdirSync(join(sys, 'devices', 'platform', 'serial8250'), { recursive: true });
  mkdirSync(join(sys, 'class', 'tty', 'ttyS0'), { recursive: true });
  symlinkSync(join(sys, 'devices', 'platform', 'serial8250'), join(sys, 'class', 'tty', 'ttyS0', 'device'));
  devices.forEach(({ name, id, serial, product, isHub }, i) => {
    const socket = `1-${i + 1}`;
    const device = join(sys, 'devices', 'usb1', socket);
    const [vendor, productId] = id.split(':');
    put(join(device, 'idVendor'), vendor!);
    put(join(device, 'idProduct'), productId!);
    put(join(device, 'bDeviceClass'), isHub ? '09' : '00');
    if (serial !== undefined) put(join(device, 'serial'), serial);
    if (product !== undefined) put(join(device, 'product'), product);
    symlinkSync(device, join(sys, 'bus', 'usb', 'devices', socket));
    if (name === undefined) return;
    const deepest = join(device, `${socket}:1.0`, ...(name.startsWith('ttyUSB') ? [name] : []));
    mkdirSync(deepest, { recursive: true });
    mkdirSync(join(sys, 'class', 'tty', name), { recursive: true });
    symlinkSync(deepest, join(sys, 'class', 'tty', name, 'device'));
  });
  return sys;
}

function worldOf(sys: string, isWsl = false): PortWorld & { readonly memory: string } {
  const usb = join(sys, 'bus', 'usb', 'devices');
  return {
    list: (boards) => listPorts(boards, async () => systemPorts({ sys, dev: join(folder, 'dev') })),
    usb: () => ({ devices: usbDevices(usb), tells: tellsOfUsb(usb), isWsl }),
    memory: join(folder, 'state', 'ports.json'),
  };
}
const pathOf = (name: string) => join(folder, 'dev', name);
const pico = loadBoard('pico');
const uno = loadBoard('uno');
const picoAt = (name: string, serial: string): Plugged => ({ name, id: '2e8a:000a', serial, product: 'Pico' });

describe('which port', () => {
  it('is the one with the board’s USB id, whatever else is plugged in', async () => {
    const world = worldOf(sysWith({ name: 'ttyUSB0', id: '1a86:7523' }, picoAt('ttyACM0', 'E6'), { id: '046d:c077' }));
    expect(await resolvePort(pico, AUTO, { world })).toBe(pathOf('ttyACM0'));
    expect(await world.list(listBoards())).toMatchObject([
      { path: pathOf('ttyUSB0'), usbId: '1a86:7523', location: '1-1' },
      { path: pathOf('ttyACM0'), usbId: '2e8a:000a', serialNumber: 'E6', product: 'Pico', location: '1-2' },
    ]);
  });

  it('is never guessed between two, and both are told by what tells them apart', async () => {
    const world = worldOf(sysWith(picoAt('ttyACM0', 'AAA'), picoAt('ttyACM1', 'BBB')));
    const search = resolvePort(pico, AUTO, { world });
    await expect(search).rejects.toMatchObject({ code: 'E_NO_PORT' });
    await expect(search).rejects.toThrow(/2 ports could be .*serial number AAA.*serial number BBB/);
    expect(existsSync(world.memory)).toBe(false);
  });

  it('is asked of a person once, and known by its serial number from then on', async () => {
    const world = worldOf(sysWith(picoAt('ttyACM0', 'AAA'), picoAt('ttyACM1', 'BBB')));
    const asked: string[][] = [];
    const choosePort = async (_: unknown, ports: Awaited<ReturnType<PortWorld['list']>>) => {
      asked.push(ports.map(({ path }) => path));
      return ports[1]!;
    };
    expect(await resolvePort(pico, AUTO, { world, choosePort })).toBe(pathOf('ttyACM1'));
    expect(asked).toEqual([[pathOf('ttyACM0'), pathOf('ttyACM1')]]);
    rmSync(join(folder, 'sys'), { recursive: true });
    sysWith(picoAt('ttyACM0', 'BBB'), picoAt('ttyACM1', 'AAA')); // plugged in the other way round
    expect(await resolvePort(pico, AUTO, { world })).toBe(pathOf('ttyACM0'));
  });

  it('is not taken by a serial number that all adapters of a maker share, or that belongs to another maker', async () => {
    const world = worldOf(
      sysWith(
        { name: 'ttyUSB0', id: '10c4:ea60', serial: '0001' },
        { name: 'ttyUSB1', id: '10c4:ea60', serial: '0001' },
      ),
    );
    rememberPort(uno.id, { path: '/dev/ttyUSB0', usbId: '10c4:ea60', serialNumber: '0001' }, world.memory);
    await expect(resolvePort(uno, AUTO, { world }, false)).rejects.toThrow('2 ports could be');
    rememberPort(uno.id, { path: '/dev/ttyUSB0', usbId: '1a86:7523', serialNumber: '0001' }, world.memory);
    await expect(resolvePort(uno, AUTO, { world }, false)).rejects.toThrow('2 ports could be');
  });

  it('is named without a look', async () => {
    expect(await resolvePort(pico, '/dev/x', { world: worldOf(sysWith()) })).toBe('/dev/x');
  });
});

describe('where no port is', () => {
  const why = (...devices: readonly Plugged[]) => {
    const { usb } = worldOf(sysWith(...devices));
    const { what, hints } = whyNoPort(pico, listBoards(), usb());
    return `${what} | ${hints.join(' | ')}`;
  };
  it.each<[string, readonly Plugged[], RegExp]>([
    ['nothing but hubs', [{ id: '1d6b:0002', isHub: true }], /nothing at all is seen on USB.*\| .*only charge/],
    ['a mouse', [{ id: '046d:c077', product: 'USB Mouse' }], /on USB are USB Mouse, and no board.*only charge/],
    ['the boot loader', [{ id: '2e8a:0003' }], /in its boot loader is on USB.*thimble deploy/],
    ['the board itself', [{ id: '2e8a:000a', product: 'Pico' }], /Pico is on USB.*driver is missing.*cdc_acm/],
    ['a bridge', [{ id: '1a86:7523' }], /cable is good.*\| sudo apt-get remove brltty.*ch341/],
  ])('%s', (_, devices, expected) => expect(why(...devices)).toMatch(expected));

  it('a system that does not tell, and WSL', () => {
    const nothing = { devices: [], tells: false, isWsl: false };
    expect(whyNoPort(pico, [], nothing).what).toMatch(/does not tell/);
    expect(whyNoPort(pico, [], { ...nothing, isWsl: true }).hints[0]).toMatch(/usbipd attach/);
  });

  it('says so with three steps at most', async () => {
    const search = resolvePort(pico, AUTO, { world: worldOf(sysWith()) });
    await expect(search).rejects.toMatchObject({ code: 'E_NO_PORT', hints: { length: 3 } });
    await expect(search).rejects.toThrow('no serial port for the Raspberry Pi Pico');
  });
});

describe('the remembered ports', () => {
  it('lie in XDG’s place, outlive damage, and stop nobody', () => {
    expect(stateFile({ XDG_STATE_HOME: '/s' })).toBe(join('/s', 'thimble', 'ports.json'));
    expect(stateFile({ XDG_STATE_HOME: 'relative' })).toMatch(/[\\/]\.local[\\/]state[\\/]thimble[\\/]ports\.json$/);
    const file = join(folder, 'thimble', 'ports.json');
    rememberPort('uno', { path: '/dev/a', baud: 9600 }, file);
    rememberPort('pico', { path: '/dev/b' }, file);
    expect(recallPort('uno', file)).toEqual({ path: '/dev/a', baud: 9600 });
    writeFileSync(file, '{"version":1,"boards":{"uno":3}}');
    expect(recallPort('uno', file)).toBeUndefined();
    rememberPort('uno', { path: '/dev/c' }, file);
    expect(JSON.parse(readFileSync(file, 'utf8')).boards).toEqual({ uno: { path: '/dev/c' } });
    rememberPort('uno', { path: '/dev/d' }, join(file, 'below-a-file'));
  });
});

describe('a port that may not be opened', () => {
  const base = { groupName: 'dialout', groupMay: true, listed: false, active: false };
  it.each([
    ['not in the group', base, /not in it \| sudo usermod -aG dialout/],
    ['in the group since a moment', { ...base, listed: true }, /login is older.*Log out/],
    ['root’s alone', { ...base, groupName: 'root' }, /no rule.*udev/],
    ['the group may not', { ...base, groupMay: false }, /no rule.*udev/],
  ])('%s', (_, facts, expected) => {
    const { why, hints } = accessAdvice('/dev/ttyX', facts);
    expect(`${why} | ${hints.join(' | ')}`).toMatch(expected);
  });

  it('is looked at in the system’s own files', () => {
    mkdirSync(folder, { recursive: true });
    const [port, groups] = [join(folder, 'port'), join(folder, 'group')];
    writeFileSync(port, '');
    chmodSync(port, 0o660);
    const gid = process.getegid!();
    writeFileSync(groups, `tty:x:99999:\nplugdev:x:${gid}:anna,berta\n`);
    expect(accessFacts(port, groups, 'berta')).toEqual({
      ...base,
      groupName: 'plugdev',
      listed: true,
      active: true,
    });
    expect(accessFacts(port, groups, 'carla')).toMatchObject({ listed: false });
    expect(accessFacts(join(folder, 'none'), groups, 'berta')).toBeUndefined();
  });
});

/** Speaks at one speed alone; at others what arrives on either side is noise. */
function atBaud(board: FakeBoard, speaks: number, opened: number): Port & { readonly tried: number[] } {
  let now = opened;
  const tried = [opened];
  const garbled = (bytes: Uint8Array) => bytes.map((byte) => (byte ^ 0xa5) | 0x80);
  return {
    identity: board.identity,
    tried,
    write: async (bytes) => board.write(now === speaks ? bytes : garbled(bytes)),
    onBytes: (listener) => board.onBytes((bytes) => listener(now === speaks ? bytes : garbled(bytes))),
    onClose: (listener) => board.onClose(listener),
    close: () => board.close(),
    setBaud: async (baud) => {
      now = baud;
      tried.push(baud);
    },
  };
}

describe('a greeting', () => {
  const quick = { answerMs: 60 };
  it('finds the speed that the firmware speaks at, and a stream does not hide it', async () => {
    const port = atBaud(new FakeBoard({ sums: true, streaming: true }), 57_600, 115_200);
    const said = await greet(port, [115_200, 9600, 57_600, 19_200], quick);
    expect(said).toMatchObject({ baud: 57_600, handshake: { board: 'fake' } });
    expect(port.tried).toEqual([115_200, 9600, 57_600]);
  });

  it('tries each speed once where nobody answers, and one where the link has none', async () => {
    const port = atBaud(new FakeBoard({ silent: true }), 1, 115_200);
    expect(await greet(port, [115_200, 9600], quick)).toBeUndefined();
    expect(port.tried).toEqual([115_200, 9600]);
    expect(await greet(new FakeBoard({ silent: true }), [1, 2, 3], quick)).toBeUndefined();
  });

  it('waits for a board that boots', async () => {
    const said = await greet(new FakeBoard({ banner: true }), [115_200], { bootMs: 3000, answerMs: 3000 });
    expect(said?.handshake?.model).toBe('m');
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

describe.skipIf(withoutSocat)('ports that are ptys (needs socat)', () => {
  const running: ChildProcess[] = [];
  const boards: Port[] = [];
  afterEach(async () => {
    for (const port of boards.splice(0)) await port.close();
    for (const child of running.splice(0)) child.kill();
  });

  /** A pty under the name of a port, with a board that calls itself so at its other end; null: nobody. */
  async function wire(name: string, boardId: string | null): Promise<void> {
    mkdirSync(join(folder, 'dev'), { recursive: true });
    const far = join(folder, `far-${name}`);
    running.push(
      spawn('socat', [`pty,raw,echo=0,link=${pathOf(name)}`, `pty,raw,echo=0,link=${far}`], { stdio: 'ignore' }),
    );
    await expect.poll(() => existsSync(pathOf(name)) && existsSync(far), { timeout: 10_000 }).toBe(true);
    if (boardId === null) return;
    const side = await openSerialPort(far, { baud: 115_200 });
    const board = new FakeBoard({ board: boardId });
    board.onBytes((bytes) => void side.write(bytes).catch(() => {}));
    side.onBytes((bytes) => void board.write(bytes));
    boards.push(side);
  }

  it('are told apart by what their firmware says, and the board is remembered', async () => {
    const world = worldOf(sysWith(picoAt('ttyACM0', 'AAA'), picoAt('ttyACM1', 'BBB'), picoAt('ttyACM2', 'CCC')));
    await wire('ttyACM0', null);
    await wire('ttyACM1', 'rpi-pico');
    await wire('ttyACM2', 'rpi-pico2');
    const said: string[] = [];
    const onEvent = ({ message }: { message?: string }) => void (message !== undefined && said.push(message));
    const session = await connectBoard({ board: pico, port: AUTO, world, onEvent });
    expect(session.link.identity.path).toBe(pathOf('ttyACM1'));
    await session.close();
    expect(said.join('\n')).toMatch(/the only one that answers as "rpi-pico"/);
    expect(recallPort(pico.id, world.memory)).toMatchObject({ serialNumber: 'BBB', usbId: '2e8a:000a' });

    said.length = 0; // now without asking anybody
    expect(await resolvePort(pico, AUTO, { world, onEvent })).toBe(pathOf('ttyACM1'));
    expect(said.join('\n')).toMatch(/of last time \(USB serial number BBB\)/);
  });

  it('name the program that holds them', async () => {
    await wire('ttyACM0', null);
    const holder = spawn('sh', ['-c', `exec 7<>${pathOf('ttyACM0')}; echo open; exec sleep 60`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    running.push(holder);
    await new Promise((resolve) => holder.stdout!.once('data', resolve));
    const error = openError(pathOf('ttyACM0'), new Error('Error Resource temporarily unavailable Cannot lock port'));
    expect(error.message).toMatch(/(sh|sleep|socat) \(process \d+\).* holds? /);
    expect(error.message).toContain(`process ${holder.pid}`);
    expect(error.hints.join(' ')).toMatch(/kill \d+/);
  });

  it('tell that the other end hung up, by themselves', async () => {
    await wire('ttyACM0', null);
    const port = await openSerialPort(pathOf('ttyACM0'), { baud: 115_200 });
    const lost = new Promise((resolve) => port.onClose(resolve));
    running[0]!.kill('SIGKILL');
    expect(await lost).toMatchObject({ code: 'E_PORT_LOST' });
    await port.close();
  });
});
