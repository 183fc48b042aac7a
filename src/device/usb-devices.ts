/**
 * What Linux says in /sys of USB devices and of the serial ports that they have. It needs no udev, which containers lack,
 * and knows of devices without a port as well.
 */
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

export interface UsbDevice {
  readonly id: string; // '1a86:7523'
  readonly product: string; // '' where it does not say
  readonly isHub: boolean;
  readonly location: string; // the socket, through all hubs: '1-4.2'
}

export interface SystemPort {
  readonly path: string;
  readonly vendorId?: string;
  readonly productId?: string;
  readonly serialNumber?: string;
  readonly manufacturer?: string;
  readonly product?: string;
  readonly location?: string;
}

/** bDeviceClass of a hub; the computer's own sockets are one, too. */
const HUB_CLASS = '09';
const ID = /^[0-9a-f]{4}$/;

/** Hubs included. Empty where the system does not tell: `tellsOfUsb` says whether that is so. */
export function usbDevices(folder = '/sys/bus/usb/devices'): readonly UsbDevice[] {
  return entriesOf(folder).flatMap((location) => {
    const device = join(folder, location);
    const [vendor, product] = [textOf(device, 'idVendor'), textOf(device, 'idProduct')];
    if (!ID.test(vendor) || !ID.test(product)) return [];
    return [
      {
        id: `${vendor}:${product}`,
        product: textOf(device, 'product'),
        isHub: textOf(device, 'bDeviceClass') === HUB_CLASS,
        location,
      },
    ];
  });
}

/** A container and WSL have no such folder: that nothing is in it then means nothing. */
export const tellsOfUsb = (folder = '/sys/bus/usb/devices'): boolean => entriesOf(folder).length > 0;

/**
 * Serial ports with a device behind them; not the mainboard's 32 legacy ones that nobody has.
 * @param folders for tests
 */
export function systemPorts({ sys = '/sys', dev = '/dev' } = {}): readonly SystemPort[] {
  const ttys = join(sys, 'class', 'tty');
  return entriesOf(ttys).flatMap((name) => {
    const device = realPath(join(ttys, name, 'device'));
    if (device === undefined) return []; // a virtual console, or a pty
    const usb = usbAbove(device);
    if (!usb) return /^ttyS\d+$/.test(name) ? [] : [{ path: join(dev, name) }];
    const [serialNumber, manufacturer, product] = ['serial', 'manufacturer', 'product'].map((file) =>
      textOf(usb, file),
    );
    return [
      {
        path: join(dev, name),
        vendorId: textOf(usb, 'idVendor'),
        productId: textOf(usb, 'idProduct'),
        location: basename(usb),
        ...(serialNumber && { serialNumber }),
        ...(manufacturer && { manufacturer }),
        ...(product && { product }),
      },
    ];
  });
}

/** A port hangs below its interface, and that below its device: …/1-4/1-4:1.0/ttyUSB0. */
function usbAbove(device: string): string | undefined {
  for (let folder = device; dirname(folder) !== folder; folder = dirname(folder))
    if (ID.test(textOf(folder, 'idVendor'))) return folder;
  return undefined;
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function textOf(folder: string, file: string): string {
  try {
    return readFileSync(join(folder, file), 'utf8').trim();
  } catch {
    return '';
  }
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
