/** Which port a flash method is given: the one it needs, one that was named, or none. */
import { expect, it } from 'vitest';
import { loadBoard } from '../../../src/boards/load-board.js';
import { listPorts } from '../../../src/device/list-ports.js';
import { flashMethodOf, withFlashMethod } from '../../../src/flash/index.js';
import { AUTO, portForFlashing } from '../../../src/pipeline/find-port.js';

const portFor = (id: string, port: string, method?: string) => {
  const board = withFlashMethod(loadBoard(id), method);
  return portForFlashing(flashMethodOf(board), board, port);
};

it('is the named one, where the method can use it', async () => {
  expect(await portFor('nano33ble', '/dev/x')).toBe('/dev/x');
  expect(await portFor('nicla', '/dev/x')).toBe('/dev/x');
  expect(await portFor('nicla', '/dev/x', 'platformio')).toBe('/dev/x');
  expect(await portFor('teensy40', '/dev/x')).toBeUndefined();
  expect(await portFor('pico', '/dev/x')).toBeUndefined();
});

const plugged = (await listPorts([])).length;

it.skipIf(plugged > 0)(
  'is looked for where it is needed, and done without where it is not (no port here)',
  async () => {
    await expect(portFor('nano33ble', AUTO)).rejects.toMatchObject({ code: 'E_NO_PORT' });
    expect(await portFor('nicla', AUTO)).toBeUndefined();
    expect(await portFor('nicla', AUTO, 'platformio')).toBeUndefined();
  },
);
