/** Node, the serial binding, and what the operating system lets a person do with boards. */
import { readdirSync, readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Finding } from './finding.js';

/** Node 20.19 is the first with everything that is used here. */
const NODE = [20, 19] as const;
const ROOM_BYTES = 200 * 1024 * 1024; // a framework's build takes that and more

export async function examineSystem(): Promise<readonly Finding[]> {
  const linux = process.platform === 'linux';
  return [node(), await serialport(), await group(), ...(linux ? [udevRules(), modemManager()] : []), ...disk()];
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const recent = major > NODE[0] || (major === NODE[0] && minor >= NODE[1]);
  return {
    section: 'system',
    what: 'Node.js',
    state: recent ? 'ok' : 'missing',
    found: process.versions.node,
    neededFor: 'everything',
    fix: recent ? null : `install Node.js ${NODE.join('.')} or newer`,
  };
}

async function serialport(): Promise<Finding> {
  const base = { section: 'system', what: 'serialport', neededFor: 'talking to boards' } as const;
  try {
    const { SerialPort } = await import('serialport');
    const found = typeof SerialPort.list === 'function' ? 'binding loads' : 'odd version';
    return { ...base, state: 'ok', found, fix: null };
  } catch (error) {
    const found = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return { ...base, state: 'missing', found, fix: 'npm rebuild @serialport/bindings-cpp' };
  }
}

/** On Linux serial ports belong to a group; elsewhere everybody may open them. */
async function group(): Promise<Finding> {
  const base = { section: 'system', what: 'serial permissions', neededFor: 'opening /dev/tty…' } as const;
  if (process.platform !== 'linux') return { ...base, state: 'ok', found: process.platform, fix: null };
  if (process.getuid?.() === 0) return { ...base, state: 'ok', found: 'root', fix: null };
  const { stdout } = await execa('id', ['-nG'], { reject: false, timeout: 5000 });
  const name = (stdout ?? '').split(/\s+/).find((each) => each === 'dialout' || each === 'uucp');
  if (name !== undefined) return { ...base, state: 'ok', found: `group ${name}`, fix: null };
  const found = 'you are in neither dialout nor uucp';
  return { ...base, state: 'warning', found, fix: 'sudo usermod -aG dialout $USER, then log out and in again' };
}

/** Makers whose boot loaders and probes are no serial ports: without a rule only root may open them. */
const makers: Readonly<Record<string, string>> = {
  '0483': 'ST-LINK and STM32 DFU',
  '0d28': 'DAPLink (micro:bit)',
  '16c0': 'Teensy',
  '2341': 'Arduino DFU',
};
const RULES_FILE = '/etc/udev/rules.d/60-thimble.rules';

/** @param folders where rules lie; for tests */
export function udevRules(
  folders: readonly string[] = ['/etc/udev/rules.d', '/run/udev/rules.d', '/lib/udev/rules.d', '/usr/lib/udev/rules.d'],
  root = process.getuid?.() === 0,
): Finding {
  const base = { section: 'system', what: 'udev rules', neededFor: 'debug probes and USB boot loaders' } as const;
  if (root) return { ...base, state: 'ok', found: 'root needs none', fix: null };
  const rules = folders.flatMap(ruleTexts).join('\n').toLowerCase();
  const without = Object.entries(makers).filter(([id]) => !rules.includes(id));
  if (without.length === 0) return { ...base, state: 'ok', found: 'all makers have one', fix: null };
  const lines = without
    .map(([id]) => `SUBSYSTEM=="usb", ATTR{idVendor}=="${id}", MODE="0660", TAG+="uaccess"`)
    .join('\\n');
  return {
    ...base,
    state: 'warning',
    found: `none for ${without.map(([, name]) => name).join(', ')}`,
    fix: `printf '${lines}\\n' | sudo tee ${RULES_FILE} && sudo udevadm control --reload && sudo udevadm trigger`,
  };
}

function ruleTexts(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((file) => file.endsWith('.rules'))
      .map((file) => readFileSync(join(folder, file), 'utf8'));
  } catch {
    return [];
  }
}

/** It opens every new serial port for some seconds and talks to it, in case it is a modem. */
export function modemManager(procFolder = '/proc'): Finding {
  const base = { section: 'system', what: 'ModemManager', neededFor: 'nothing: it gets in the way' } as const;
  const runs = readdirSync(procFolder).some((entry) => {
    try {
      return /^\d+$/.test(entry) && readFileSync(join(procFolder, entry, 'comm'), 'utf8').trim() === 'ModemManager';
    } catch {
      return false; // it has just ended
    }
  });
  return runs
    ? {
        ...base,
        state: 'warning',
        found: 'runs, and holds new ports for some seconds',
        fix: 'sudo systemctl stop ModemManager, unless a modem is in use',
      }
    : { ...base, state: 'ok', found: 'does not run', fix: null };
}

function disk(): readonly Finding[] {
  try {
    const { bavail, bsize } = statfsSync(process.cwd());
    const free = bavail * bsize;
    if (free > ROOM_BYTES) return [];
    const found = `${Math.round(free / 2 ** 20)} MiB free in this folder`;
    return [
      {
        section: 'system',
        what: 'disk',
        state: 'warning',
        found,
        neededFor: 'building',
        fix: 'make room, or work elsewhere',
      },
    ];
  } catch {
    return [];
  }
}
