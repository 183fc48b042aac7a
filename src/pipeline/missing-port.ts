/** Why no serial port can be the board's, as far as the system tells, and what to do about it. */
import { readFileSync } from 'node:fs';
import type { BoardSpec } from '../core/board-spec.js';
import { tellsOfUsb, type UsbDevice, usbDevices } from '../device/usb-devices.js';

export interface Diagnosis {
  readonly what: string; // a clause: 'the board is on USB, but has no serial port'
  readonly hints: readonly string[];
}

export interface UsbFacts {
  readonly devices: readonly UsbDevice[];
  readonly tells: boolean; // false: no device in the list means nothing
  readonly isWsl: boolean;
}

export const usbFacts = (): UsbFacts => ({ devices: usbDevices(), tells: tellsOfUsb(), isWsl: isWsl() });

/** USB ids of boot loaders that have no serial port. */
const bootLoaders: Readonly<Record<string, string>> = {
  '2e8a:0003': 'the drive of an RP2040',
  '2e8a:000f': 'the drive of an RP2350',
  '0483:df11': 'STM32 DFU',
  '2341:035f': 'DFU of a Nicla Vision',
  '16c0:0478': 'Teensy’s HalfKay',
};

/** The kernel modules that make a serial port of a bridge chip. */
const drivers: Readonly<Record<string, string>> = { '1a86': 'ch341', '10c4': 'cp210x', '0403': 'ftdi_sio' };
/** Bridges that Debian's braille terminal driver takes away from everybody. */
const BRLTTY_VICTIMS = /^(1a86:7523|10c4:ea60)$/;
const SHOWN_DEVICES = 3;

const CABLE = 'Try another USB cable: many only charge, and a board on one lights up all the same.';

/**
 * @param board the one that is looked for
 * @param boards all that are known
 */
export function whyNoPort(board: BoardSpec, boards: readonly BoardSpec[], facts: UsbFacts): Diagnosis {
  const devices = facts.devices.filter(({ isHub }) => !isHub);
  const loader = devices.find(({ id }) => bootLoaders[id] !== undefined && couldBe(board, id));
  if (loader)
    return {
      what: `a board in its boot loader is on USB (${bootLoaders[loader.id]}), and that has no serial port`,
      hints: [
        `It waits for a program: thimble deploy MODEL --board ${board.id}`,
        'If it has one already, press reset, or unplug the board and plug it in again without holding its button.',
      ],
    };
  const own = devices.find(({ id }) => board.serial.usbIds.includes(id));
  if (own) return withoutDriver(board, own);
  if (facts.isWsl)
    return {
      what: 'Windows keeps USB to itself until it is told to share it with WSL',
      hints: ['In a Windows terminal: usbipd list, then usbipd attach --wsl --busid BUSID', CABLE],
    };
  if (!facts.tells) return { what: 'and this system does not tell what is on USB', hints: [PLUG_IN, CABLE] };
  if (devices.length === 0) return { what: 'nothing at all is seen on USB', hints: [CABLE, PLUG_IN] };
  const known = devices.find(({ id }) => boards.some(({ serial }) => serial.usbIds.includes(id)));
  if (known) return withoutDriver(boards.find(({ serial }) => serial.usbIds.includes(known.id))!, known);
  const names = devices.map(({ product, id }) => product || id);
  const more = names.length > SHOWN_DEVICES ? ` and ${names.length - SHOWN_DEVICES} more` : '';
  return {
    what: `on USB are ${names.slice(0, SHOWN_DEVICES).join(', ')}${more}, and no board`,
    hints: [CABLE, 'Plug it in without a hub, and press its reset button once.'],
  };
}

const PLUG_IN = 'Plug the board in; thimble ports shows it once it is there.';

function withoutDriver(board: BoardSpec, { id, product }: UsbDevice): Diagnosis {
  const driver = drivers[id.slice(0, 4)] ?? 'cdc_acm';
  return {
    what: `${product || board.name} is on USB (${id}), but has no serial port: the cable is good, its driver is missing`,
    hints: [
      ...(BRLTTY_VICTIMS.test(id)
        ? ['sudo apt-get remove brltty, which takes such bridges for braille terminals; then plug it in again.']
        : []),
      `sudo modprobe ${driver}, then plug it in again; sudo dmesg | tail says what the system makes of it.`,
      'Press reset once: some boards have a port only while their program runs.',
    ],
  };
}

/** A boot loader of the same maker as the board; without ids (a bridge of its own) any may be meant. */
const couldBe = ({ serial }: BoardSpec, id: string): boolean =>
  serial.usbIds.some((own) => own.slice(0, 4) === id.slice(0, 4));

function isWsl(): boolean {
  try {
    return /microsoft/i.test(readFileSync('/proc/version', 'utf8'));
  } catch {
    return false;
  }
}
