/** Serial ports, who holds them, and boards that are on USB without a port. */
import type { BoardSpec } from '../../core/board-spec.js';
import { type ListedPort, listPorts } from '../../device/list-ports.js';
import { portHolders } from '../../device/port-holders.js';
import { type UsbDevice, usbDevices } from '../../device/usb-devices.js';
import type { Finding } from './finding.js';

const FOR_BOARDS = 'talking to a board';

export async function examinePorts(boards: readonly BoardSpec[]): Promise<readonly Finding[]> {
  const ports = await listPorts(boards).catch((): readonly ListedPort[] => []);
  const findings = ports.map((port) => portFinding(port, boards));
  const stranded = withoutPort(usbDevices(), ports, boards);
  if (findings.length + stranded.length > 0) return [...findings, ...stranded];
  return [
    {
      section: 'ports',
      what: 'serial ports',
      state: 'absent',
      found: 'none',
      neededFor: FOR_BOARDS,
      fix: 'plug a board in, with a cable that carries data (many only charge); without one: --port virtual',
    },
  ];
}

function portFinding(port: ListedPort, boards: readonly BoardSpec[]): Finding {
  const names = boards.filter(({ id }) => port.boards.includes(id)).map(({ name }) => name);
  const found =
    names.length > 0
      ? `perhaps ${names.slice(0, 2).join(' or ')}`
      : (port.manufacturer ?? 'a board unknown to Thimble');
  const base = { section: 'ports', what: port.path, neededFor: FOR_BOARDS } as const;
  const [holder] = portHolders(port.path);
  return holder
    ? {
        ...base,
        state: 'warning',
        found: `${found}; held by ${holder.program} (process ${holder.pid})`,
        fix: `close ${holder.program}`,
      }
    : { ...base, state: 'ok', found, fix: null };
}

/** Bridges that Debian's braille terminal driver takes away from everybody. */
const BRLTTY_VICTIMS = /^(1a86:7523|10c4:ea60)$/;

/** A board that is seen on USB but has no port: the cable is good, the driver is not. */
export function withoutPort(
  devices: readonly Pick<UsbDevice, 'id' | 'product'>[],
  ports: readonly Pick<ListedPort, 'usbId'>[],
  boards: readonly BoardSpec[],
): readonly Finding[] {
  return devices
    .filter(({ id }) => !ports.some(({ usbId }) => usbId === id))
    .flatMap(({ id, product }): readonly Finding[] => {
      const board = boards.find(({ serial }) => serial.usbIds.includes(id));
      if (!board) return [];
      return [
        {
          section: 'ports',
          what: `USB ${id}`,
          state: 'warning',
          found: `${product || board.name} is connected, but has no serial port: its boot loader runs, or a driver is missing`,
          neededFor: FOR_BOARDS,
          fix: BRLTTY_VICTIMS.test(id)
            ? 'sudo apt-get remove brltty, which takes such bridges for braille terminals; then plug it in again'
            : 'press reset once; where it has a boot loader, thimble flash finds it',
        },
      ];
    });
}
