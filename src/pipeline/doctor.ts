/** Looks over this computer for what Thimble calls, and says for each finding how to mend it. */
import { execa } from 'execa';

export interface Finding {
  readonly what: string;
  readonly state: 'ok' | 'missing' | 'warning';
  readonly found: string; // version or path; why it is missing
  readonly neededFor: string;
  readonly fix: string | null; // a line to type
}

interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly neededFor: string;
  readonly fix: string;
}

const apt = (packages: string): string => `sudo apt-get install ${packages}`;

const programs: readonly Program[] = [
  {
    command: 'arm-none-eabi-gcc',
    args: ['--version'],
    neededFor: 'building for ARM boards (Pico …)',
    fix: apt('gcc-arm-none-eabi libnewlib-arm-none-eabi'),
  },
  {
    command: 'cc',
    args: ['--version'],
    neededFor: 'the emitted C on this computer, and thimble virtual --pty',
    fix: apt('gcc libc6-dev'),
  },
  {
    command: 'qemu-system-arm',
    args: ['--version'],
    neededFor: 'the virtual boards mps2-…',
    fix: apt('qemu-system-arm'),
  },
  { command: 'udevadm', args: ['--version'], neededFor: 'listing serial ports', fix: apt('udev') },
];

/** Node 20.19 is the first with everything that is used here. */
const NODE = [20, 19] as const;

export async function examine(): Promise<readonly Finding[]> {
  return [
    nodeFinding(),
    await serialFinding(),
    await groupFinding(),
    ...(await Promise.all(programs.map(programFinding))),
  ];
}

function nodeFinding(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const recent = major > NODE[0] || (major === NODE[0] && minor >= NODE[1]);
  return {
    what: 'Node.js',
    state: recent ? 'ok' : 'missing',
    found: process.versions.node,
    neededFor: 'everything',
    fix: recent ? null : `install Node.js ${NODE.join('.')} or newer`,
  };
}

async function serialFinding(): Promise<Finding> {
  const base = { what: 'serialport', neededFor: 'talking to boards' };
  try {
    const { SerialPort } = await import('serialport');
    return {
      ...base,
      state: 'ok',
      found: typeof SerialPort.list === 'function' ? 'binding loads' : 'odd version',
      fix: null,
    };
  } catch (error) {
    const found = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return { ...base, state: 'missing', found, fix: 'npm rebuild @serialport/bindings-cpp' };
  }
}

/** On Linux serial ports belong to a group; elsewhere everybody may open them. */
async function groupFinding(): Promise<Finding> {
  const base = { what: 'serial permissions', neededFor: 'opening /dev/tty…' };
  if (process.platform !== 'linux') return { ...base, state: 'ok', found: process.platform, fix: null };
  if (process.getuid?.() === 0) return { ...base, state: 'ok', found: 'root', fix: null };
  const { stdout } = await execa('id', ['-nG'], { reject: false, timeout: 5000 });
  const groups = (stdout ?? '').split(/\s+/);
  const group = groups.find((name) => name === 'dialout' || name === 'uucp');
  return group === undefined
    ? {
        ...base,
        state: 'warning',
        found: 'you are in neither dialout nor uucp',
        fix: 'sudo usermod -aG dialout $USER, then log in again',
      }
    : { ...base, state: 'ok', found: `group ${group}`, fix: null };
}

async function programFinding({ command, args, neededFor, fix }: Program): Promise<Finding> {
  const result = await execa(command, args, { reject: false, timeout: 10_000, all: true });
  if (result.failed && result.exitCode === undefined)
    return { what: command, state: 'missing', found: 'not installed', neededFor, fix };
  const lines = (result.all ?? '').split('\n');
  const found = (lines.find((line) => /\d+\.\d+|^\d+$/.test(line)) ?? lines[0] ?? '').trim().slice(0, 60);
  return { what: command, state: 'ok', found, neededFor, fix: null };
}
