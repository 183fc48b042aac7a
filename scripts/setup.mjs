/**
 * Installs the system programs that a purpose needs: `node scripts/setup.mjs --for demo|test`.
 * As root it installs them; with sudo and a terminal it asks; otherwise it prints the one line to type.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What must be there, the Debian package that brings it, and who needs it. */
const needs = [
  { program: 'arm-none-eabi-gcc', package: 'gcc-arm-none-eabi', for: ['demo', 'test'] },
  { file: 'arm-none-eabi-gcc', library: 'libc.a', package: 'libnewlib-arm-none-eabi', for: ['demo', 'test'] },
  { program: 'cc', package: 'gcc libc6-dev', for: ['demo', 'test'] },
  { program: 'g++', package: 'g++', for: ['test'] },
  { program: 'qemu-system-arm', package: 'qemu-system-arm', for: ['test'] },
  { program: 'qemu-system-riscv32', package: 'qemu-system-misc', for: ['test'] },
  { program: 'riscv64-unknown-elf-gcc', package: 'gcc-riscv64-unknown-elf', for: ['test'] },
  {
    file: 'riscv64-unknown-elf-gcc',
    library: 'picolibc.specs',
    package: 'picolibc-riscv64-unknown-elf',
    for: ['test'],
  },
  { program: 'stm32flash', package: 'stm32flash', for: ['test'] },
  { program: 'avr-gcc', package: 'gcc-avr', for: ['test'] },
  { file: 'avr-gcc', library: 'libm.a', package: 'avr-libc', for: ['test'] },
  { module: 'serial', package: 'python3 python3-serial', for: ['test'] },
  { program: 'avrdude', package: 'avrdude', for: ['test'] },
  { path: '/usr/share/arduino/hardware/arduino/avr', package: 'arduino-core-avr', for: ['test'] },
  { program: 'socat', package: 'socat', for: ['test'] },
  { program: 'cmake', package: 'cmake make', for: ['test'] },
];

function onPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A library is there when its compiler finds it: an unknown name comes back without a folder. */
function hasLibrary(compiler, library) {
  if (!onPath(compiler)) return false;
  const { stdout } = spawnSync(compiler, [`-print-file-name=${library}`], { encoding: 'utf8' });
  return stdout.trim() !== library && stdout.trim() !== '';
}

/** Debian's own Python, which its packages are for, is not always the first one on the PATH. */
const hasModule = (name) => spawnSync('/usr/bin/python3', ['-c', `import ${name}`]).status === 0;

function isThere({ program, path, file, library, module }) {
  if (program) return onPath(program);
  if (path) return existsSync(path);
  return module ? hasModule(module) : hasLibrary(file, library);
}

const purpose = process.argv[process.argv.indexOf('--for') + 1];
if (purpose !== 'demo' && purpose !== 'test') {
  console.error('usage: node scripts/setup.mjs --for demo|test');
  process.exit(2);
}
const missing = needs.filter((need) => need.for.includes(purpose)).filter((need) => !isThere(need));

if (missing.length > 0) {
  const packages = [...new Set(missing.flatMap((need) => need.package.split(' ')))];
  const install = ['apt-get', 'install', '-y', '--no-install-recommends', ...packages];
  const asRoot = process.getuid?.() === 0;
  const line = `${asRoot ? '' : 'sudo '}apt-get update && ${asRoot ? '' : 'sudo '}${install.join(' ')}`;
  const canAsk = onPath('sudo') && process.stdin.isTTY === true;
  if (!onPath('apt-get') || (!asRoot && !canAsk)) {
    console.error(
      `Missing: ${packages.join(', ')}. Install them (on Debian or Ubuntu), then run this again:\n\n  ${line}\n`,
    );
    process.exit(1);
  }
  console.log(`Installing ${packages.join(', ')} …`);
  const options = {
    stdio: ['inherit', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  };
  const run = (command) =>
    asRoot ? execFileSync(command[0], command.slice(1), options) : execFileSync('sudo', command, options);
  try {
    run(['apt-get', 'update', '-qq']);
    run(install);
  } catch {
    console.error(`The installation failed. Try it by hand:\n\n  ${line}\n`);
    process.exit(1);
  }
}
