import { describe, expect, it } from 'vitest';
import { markPort, type UsbPort, waitForReturn } from '../../../src/device/port-return.js';

const arduino: UsbPort = { path: '/dev/ttyACM0', serialNumber: 'A1B2', vendorId: '2341', productId: '805a' };
const bootLoader: UsbPort = { ...arduino, path: '/dev/ttyACM1', productId: '005a' };
const other: UsbPort = { path: '/dev/ttyACM2', serialNumber: 'FFFF', vendorId: '2341', productId: '805a' };

/** What the system lists, look after look; the last for ever. */
const looks = (...each: readonly (readonly UsbPort[])[]) => {
  let look = 0;
  return async () => each[Math.min(look++, each.length - 1)]!;
};

describe('a port that comes back', () => {
  it('is known by its serial number under another name, and never mistaken for another board', async () => {
    const list = looks([other], [other, bootLoader]);
    expect(await waitForReturn(arduino, { list, mustGo: true })).toBe('/dev/ttyACM1');
  });

  it('counts as back only after it has gone', async () => {
    const list = looks([arduino], [arduino], [], [bootLoader]);
    expect(await waitForReturn(arduino, { list, mustGo: true })).toBe('/dev/ttyACM1');
    expect(await waitForReturn(arduino, { list: looks([arduino]) })).toBe('/dev/ttyACM0');
  });

  it('is taken as it is where it never went: the boot loader ran already', async () => {
    expect(await waitForReturn(bootLoader, { list: looks([bootLoader]), mustGo: true, timeoutMs: 250 })).toBe(
      '/dev/ttyACM1',
    );
  });

  it('is missed in words', async () => {
    const waiting = waitForReturn(arduino, { list: looks([other]), timeoutMs: 250 });
    await expect(waiting).rejects.toMatchObject({ code: 'E_NO_PORT' });
    await expect(waiting).rejects.toThrow('/dev/ttyACM0 did not come back');
    const signal = AbortSignal.abort();
    await expect(waitForReturn(arduino, { list: looks([]), signal })).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
  });

  it('is known by its path where the system lists none, as for a pty', async () => {
    const mark = await markPort('/tmp/pty', looks([]));
    expect(mark).toEqual({ path: '/tmp/pty' });
    let there = false;
    setTimeout(() => {
      there = true;
    }, 150);
    expect(await waitForReturn(mark, { list: looks([]), exists: () => there })).toBe('/tmp/pty');
  });
});
