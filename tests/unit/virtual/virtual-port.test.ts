import { expect, it } from 'vitest';
import { VirtualPort } from '../../../src/virtual/virtual-port.js';

function portThatCountsReleases() {
  let releases = 0;
  const port = new VirtualPort(
    { path: 'virtual', kind: 'virtual', origin: 'virtual-instructions' },
    {
      write: () => {},
      reset: async () => {},
      close: async () => {
        releases++;
      },
    },
  );
  return { port, releases: () => releases };
}

it('releases what the board held once, however often it is closed', async () => {
  const { port, releases } = portThatCountsReleases();
  await Promise.all([port.close(), port.close()]);
  await port.close();
  expect(releases()).toBe(1);
});

// Ctrl-C reaches the emulator as well: it may be gone before anybody closes its port.
it('releases what the board held after it went by itself', async () => {
  const { port, releases } = portThatCountsReleases();
  const heard: (Error | undefined)[] = [];
  port.onClose((error) => heard.push(error));
  port.ended(new Error('the emulator stopped'));
  await port.close();
  expect(releases()).toBe(1);
  expect(heard).toEqual([new Error('the emulator stopped')]); // and its end is told once
  await expect(port.write(Uint8Array.of(1))).rejects.toMatchObject({ code: 'E_PORT_LOST' });
});
