/** How to get a program that is not there. One row a program; doctor shows them, and every error that misses one. */

interface Source {
  readonly apt?: string; // Debian and Ubuntu packages
  readonly brew?: string;
  readonly other?: string; // where no system packages it: a sentence
}

const sources: Readonly<Record<string, Source>> = {
  'arm-none-eabi-gcc': { apt: 'gcc-arm-none-eabi libnewlib-arm-none-eabi', brew: '--cask gcc-arm-embedded' },
  'arm-none-eabi-objcopy': { apt: 'gcc-arm-none-eabi libnewlib-arm-none-eabi', brew: '--cask gcc-arm-embedded' },
  'avr-gcc': { apt: 'gcc-avr avr-libc', brew: 'osx-cross/avr/avr-gcc' },
  'avr-objcopy': { apt: 'gcc-avr avr-libc', brew: 'osx-cross/avr/avr-gcc' },
  cc: { apt: 'gcc libc6-dev', other: 'xcode-select --install' },
  avrdude: { apt: 'avrdude', brew: 'avrdude' },
  bossac: { apt: 'bossa-cli', brew: 'bossa' },
  'dfu-util': { apt: 'dfu-util', brew: 'dfu-util' },
  esptool: { other: 'pipx install esptool' },
  openocd: { apt: 'openocd', brew: 'open-ocd' },
  stm32flash: { apt: 'stm32flash', brew: 'stm32flash' },
  teensy_loader_cli: { apt: 'teensy-loader-cli', brew: 'teensy_loader_cli' },
  picotool: { apt: 'picotool', brew: 'picotool' },
  'riscv64-unknown-elf-gcc': {
    apt: 'gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf',
    brew: 'riscv-software-src/riscv/riscv-tools',
  },
  'riscv64-unknown-elf-objcopy': { apt: 'gcc-riscv64-unknown-elf', brew: 'riscv-software-src/riscv/riscv-tools' },
  'qemu-system-riscv32': { apt: 'qemu-system-misc', brew: 'qemu' },
  'qemu-system-arm': { apt: 'qemu-system-arm', brew: 'qemu' },
  udevadm: { apt: 'udev' },
  lsof: { apt: 'lsof', brew: 'lsof' },
  cmake: { apt: 'cmake', brew: 'cmake' },
  'arduino-cli': {
    brew: 'arduino-cli',
    other: 'install it from https://arduino.github.io/arduino-cli/latest/installation/',
  },
  pio: { brew: 'platformio', other: 'pipx install platformio' },
  'idf.py': {
    other:
      'install ESP-IDF, then run its export.sh in this terminal: https://docs.espressif.com/projects/esp-idf/en/stable/esp32/get-started/',
  },
  west: { other: 'pipx install west, then https://docs.zephyrproject.org/latest/develop/getting_started/' },
};

/** A line to type, or a sentence; falls back on the program's own name as its package. */
export function installHint(program: string, platform: NodeJS.Platform = process.platform): string {
  const source = sources[program] ?? { apt: program, brew: program };
  if (platform === 'darwin' && source.brew !== undefined) return `brew install ${source.brew}`;
  if (platform === 'linux' && source.apt !== undefined) return `sudo apt-get install ${source.apt}`;
  return source.other ?? `install ${program}`;
}
