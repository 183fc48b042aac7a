/** The firmware for AVR on avr8js: every command, on the CPU and the USART of an ATmega328P. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AVRTimer, AVRUSART, avrInstruction, CPU, timer1Config, usart0Config } from 'avr8js';
import { afterAll, describe, expect, it } from 'vitest';
import { loadBoard } from '../../src/boards/load-board.js';
import { buildFirmware } from '../../src/firmware/build-firmware.js';
import { flashMethodOf } from '../../src/flash/index.js';
import { onPath } from '../../src/virtual/child-process.js';
import { VirtualPort } from '../../src/virtual/virtual-port.js';
import { checkEveryCommand } from '../unit/firmware/every-command.js';
import { terminalOf } from '../unit/firmware/talk.js';
import { tinyFiles, tinyGraph } from '../unit/firmware/tiny-model.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-avr-firmware-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const missing = ['avr-gcc'].filter((tool) => !onPath(tool));

const build = (id: string) =>
  buildFirmware({
    ...{ board: loadBoard(id), modelFiles: tinyFiles(), modelName: 'tiny', graph: tinyGraph, hooks: true },
    folder: join(folder, id),
  });

describe.skipIf(missing.length > 0)(`firmware for AVR${missing.length ? ` (needs ${missing})` : ''}`, () => {
  it('answers every command of the protocol in 2 KB of RAM', { timeout: 60_000 }, async () => {
    const image = await build('arduino-uno');
    expect(image.size!.ramBytes).toBeLessThan(512);
    const { port, start } = runOnAtmega328p(readFileSync(image.bin!));
    const terminal = terminalOf(port);
    const boot = terminal.next();
    start();
    expect((await boot)[0]).toBe('m-timestamp-mode-performance');
    await checkEveryCommand(terminal, 'arduino-uno', false);
    const [memory] = await terminal.send('memory%');
    const { stack, high } = /stack=(?<stack>\d+) stack-high=(?<high>\d+)/.exec(memory!)!.groups!;
    expect(Number(high)).toBeGreaterThan(0);
    expect(Number(high)).toBeLessThanOrEqual(loadBoard('arduino-uno').reserved.stackBytes);
    expect(Number(stack)).toBe(2048 - image.size!.ramBytes);
    await port.close();
  });

  it.each(['arduino-uno', 'arduino-nano', 'arduino-mega2560'])('%s: a dry run names the command', async (id) => {
    const board = loadBoard(id);
    const image = await build(id);
    const [line] = flashMethodOf(board).describe({ board, image, port: '/dev/ttyACM0' });
    const programmer = id.endsWith('2560') ? '-p m2560 -c wiring' : '-p m328p -c arduino';
    expect(line).toBe(`avrdude ${programmer} -P /dev/ttyACM0 -b 115200 -D -Uflash:w:${image.hex}:i`);
  });

  it('refuses what leaves no room for the stack', async () => {
    const board = loadBoard('arduino-uno');
    const big = tinyFiles().map(({ path, content }) => ({
      path,
      content: String(content).replace('arena[TINY_ARENA_BYTES]', 'arena[1600]'),
    }));
    const parts = { board, modelFiles: big, modelName: 'tiny', graph: tinyGraph, hooks: false };
    await expect(buildFirmware({ ...parts, folder: join(folder, 'big') })).rejects.toMatchObject({
      code: 'E_DOES_NOT_FIT',
    });
  });
});

/** The processor with its USART and timer 1; SLEEP passes the time until something happens. */
function runOnAtmega328p(program: Uint8Array) {
  const flash = new Uint8Array(32 * 1024).fill(0xff);
  flash.set(program);
  const cpu = new CPU(new Uint16Array(flash.buffer), 2048);
  const usart = new AVRUSART(cpu, usart0Config, 16_000_000);
  new AVRTimer(cpu, timer1Config);
  keepReadOnlyBits(cpu);
  const waiting: number[] = [];
  let scheduled: NodeJS.Immediate | undefined;
  let sent: number[] = [];
  usart.onByteTransmit = (byte) => sent.push(byte);
  const slice = () => {
    for (let i = 0; i < 100_000; i++) {
      if (waiting.length > 0 && !usart.rxBusy && usart.rxEnable) usart.writeByte(waiting.shift()!);
      avrInstruction(cpu);
      cpu.tick();
    }
    if (sent.length > 0) port.deliver(Uint8Array.from(sent));
    sent = [];
    scheduled = setImmediate(slice);
  };
  const port: VirtualPort = new VirtualPort(
    { path: 'virtual', kind: 'virtual', origin: 'virtual-cycles', board: 'arduino-uno' },
    {
      write: (bytes) => void waiting.push(...bytes),
      reset: async () => {},
      close: async () => clearImmediate(scheduled),
    },
  );
  return { port, start: slice };
}

/** avr8js lets a write to UCSR0A clear the flags that a program can only read. */
function keepReadOnlyBits(cpu: CPU): void {
  const { UCSRA } = usart0Config;
  const write = cpu.writeHooks[UCSRA]!;
  cpu.writeHooks[UCSRA] = (value, old, address, mask) => {
    write(value, old, address, mask);
    cpu.data[UCSRA]! |= old & 0xbc;
    if (!(value & 0x40)) cpu.data[UCSRA]! |= old & 0x40;
    return true;
  };
}
