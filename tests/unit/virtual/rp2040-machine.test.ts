import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Simulator, USBCDC } from 'rp2040js';
import { afterAll, describe, expect, it } from 'vitest';
import { loadBoard } from '../../../src/boards/load-board.js';
import { decodeUf2, RP2040_FAMILY } from '../../../src/core/uf2.js';
import { buildFirmware } from '../../../src/firmware/build-firmware.js';
import { onPath } from '../../../src/virtual/child-process.js';
import { type PicoLink, Rp2040Machine } from '../../../src/virtual/rp2040-machine.js';
import { tinyFiles, tinyGraph } from '../firmware/tiny-model.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-machine-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const pico = loadBoard('pico');

/** A started machine and what it says until it sleeps. */
async function machineWith(spin: number, link: PicoLink = 'usb') {
  const modelFiles = tinyFiles(spin);
  const image = await buildFirmware({
    ...{ board: pico, modelFiles, modelName: 'tiny', graph: tinyGraph, hooks: false },
    folder: join(folder, String(spin)),
  });
  let text = '';
  const machine = new Rp2040Machine(
    pico.flashBytes,
    (bytes) => {
      text += new TextDecoder().decode(bytes);
    },
    link,
  );
  machine.load(decodeUf2(readFileSync(image.uf2!), RP2040_FAMILY));
  machine.reset();
  const say = (command: string): string => {
    text = '';
    machine.feed(new TextEncoder().encode(command));
    for (let slices = 0; machine.run(100_000); slices++) if (slices > 2000) throw new Error('it never sleeps');
    return text;
  };
  return { machine, say, image };
}

describe('the RP2040 machine without a program', () => {
  it('waits, and refuses what the ROM would not start', () => {
    const machine = new Rp2040Machine(2 ** 20, () => {});
    machine.reset();
    expect(machine.run(1000)).toBe(false);
    expect(() => machine.load([{ address: 0x10000000, bytes: new Uint8Array(256) }])).toThrow('wrong checksum');
    expect(() => machine.load([{ address: 0x10100000, bytes: new Uint8Array(256) }])).toThrow('outside the flash');
    expect(() => machine.load([{ address: 0x20000000, bytes: new Uint8Array(256) }])).toThrow('outside the flash');
  });
});

describe.skipIf(!onPath('arm-none-eabi-gcc'))('the RP2040 machine (needs arm-none-eabi-gcc)', () => {
  it('counts the cycles that the firmware measures, also beyond the 24 bits of SysTick', async () => {
    // The same loop with a known difference in turns: rp2040js' cycles and the firmware's ticks must grow alike.
    const turns = [1_801_000, 1_901_000]; // ticks of as many digits, which take as long to print
    const measured = [];
    for (const spin of turns) {
      const { machine, say } = await machineWith(spin);
      say('');
      const before = machine.cycles;
      const answer = say('run 1 0%');
      measured.push({ ticks: Number(/ticks=(\d+)/.exec(answer)![1]), cycles: machine.cycles - before });
    }
    const [short, long] = [measured[0]!, measured[1]!];
    expect(short.ticks).toBeGreaterThan(2 ** 24); // at least one wrap of SysTick lies within
    const perTurn = (long.ticks - short.ticks) / (turns[1]! - turns[0]!);
    expect(perTurn).toBeCloseTo(10, 4); // load, add, store, load, compare, branch: 2+1+2+2+1+2 on a Cortex-M0+
    expect(Math.abs(long.ticks - short.ticks - (long.cycles - short.cycles))).toBeLessThan(100); // other digits
  });

  it('tells microseconds that agree with the ticks', async () => {
    const { say } = await machineWith(200_000);
    say('');
    const ticks = Number(/ticks=(\d+)/.exec(say('run 1 0%'))![1]);
    const laps = [...say('infer 4 0%').matchAll(/m-lap-us-(\d+)/g)].map((match) => Number(match[1]));
    const microseconds = (laps[1]! - laps[0]!) / 4;
    expect(Math.abs(microseconds - ticks / 125)).toBeLessThan(20); // two lines are formatted between the laps
  });

  it('receives at the baud rate: time passes while bytes arrive', async () => {
    const { machine, say } = await machineWith(0, 'uart');
    say('');
    const before = machine.microseconds;
    say(`${'\r'.repeat(999)}%`);
    const microsecondsPerByte = (machine.microseconds - before) / 1000;
    expect(microsecondsPerByte).toBeGreaterThan(10e6 / 115_200 - 1);
    expect(microsecondsPerByte).toBeLessThan(10e6 / 115_200 + 45); // 20 ms pass twice until the bus is known to be quiet
  });

  it('takes commands by USB and by UART0, and answers where they came from', async () => {
    const byUsb = await machineWith(1, 'usb');
    expect(byUsb.say('')).toMatch(/^m-timestamp-mode-[\s\S]*m-init-done\r\nm-ready\r\n$/); // to whoever opens the port first
    expect(byUsb.say('name%thimble%')).toMatch(/^m-name-[\s\S]*m-ready\r\nm-thimble-\[[\s\S]*m-ready\r\n$/);
    expect(byUsb.machine.usbId).toBe('2e8a:000a');
    const byUart = await machineWith(1, 'uart');
    expect(byUart.say('name%')).toMatch(/m-init-done\r\nm-ready\r\n[\s\S]*m-name-[\s\S]*m-ready\r\n$/);
    expect(byUart.machine.usbId).toBe('2e8a:000a'); // the device is set up all the same, and nobody speaks over it
  });

  it('restarts in its boot loader at 1200 baud without DTR, at another speed and with DTR not', async () => {
    const { machine, say } = await machineWith(1);
    const settle = () => {
      while (machine.run(100_000));
    };
    say('name%');
    for (const line of [
      { baud: 1200, dtr: true },
      { baud: 115_200, dtr: false },
    ]) {
      machine.setLine(line);
      settle();
      expect(machine.inBootLoader).toBe(false);
    }
    machine.setLine({ baud: 115_200, dtr: true });
    expect(say('name%')).toContain('m-name-'); // closing and opening loses nothing
    machine.setLine({ baud: 1200, dtr: true });
    machine.setLine({ baud: 1200, dtr: false });
    settle();
    expect(machine.inBootLoader).toBe(true);
    expect(machine.run(1000)).toBe(false);
    machine.reset();
    expect(say('name%')).toContain('m-name-');
  });

  it('is set up by another USB host as well: rp2040js’ own', async () => {
    const { image } = await machineWith(1);
    const { rp2040, clock } = new Simulator();
    const uf2 = decodeUf2(readFileSync(image.uf2!), RP2040_FAMILY);
    for (const { address, bytes } of uf2) rp2040.flash.set(bytes, address - 0x10000000);
    rp2040.sram.set(rp2040.flash.subarray(0, 256), 0x41f00);
    rp2040.core.SP = rp2040.core.PC = 0x20041f00;
    rp2040.logger = { debug() {}, info() {}, warn() {}, error: (_, message) => expect.unreachable(message) };
    const host = new USBCDC(rp2040.usbCtrl);
    let [connected, text] = [false, ''];
    host.onDeviceConnected = () => {
      connected = true;
    };
    host.onSerialData = (bytes) => {
      text += new TextDecoder().decode(bytes);
    };
    const until = (done: () => boolean) => {
      for (let steps = 0; !done(); steps++) {
        if (steps > 3_000_000) throw new Error(`it never comes to that: ${text}`);
        if (rp2040.core.waiting && !rp2040.core.checkForInterrupts()) clock.tick(10_000);
        else {
          rp2040.core.waiting = false;
          clock.tick(rp2040.core.executeInstruction() * 8);
        }
      }
    };
    until(() => connected);
    for (const byte of new TextEncoder().encode('thimble%run 3 0%')) host.sendSerialByte(byte);
    until(() => /m-reading-[\s\S]*m-ready\r\n$/.test(text));
    expect(text).toMatch(
      /^(m-timestamp-mode-[\s\S]*m-ready\r\n)?m-thimble-\[.* sum=[0-9a-f]{8}\]\r\nm-ready\r\n(m-reading-.*\r\n){3}m-ready\r\n$/,
    );
  });
});
