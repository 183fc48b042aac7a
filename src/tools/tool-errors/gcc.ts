/** gcc and the linker behind it, under any prefix (arm-none-eabi-gcc, avr-gcc, xtensa-esp32-elf-gcc, cc). */
import type { ToolPatterns } from '../tool-pattern.js';
import { SMALLER_MODEL } from './advice.js';

const OURS = 'If you changed no file in the project, this is a bug of Thimble’s: please report it with these lines.';

export const gcc: ToolPatterns = {
  programs: ['gcc', 'g++', 'cc', 'c++', 'ld'],
  speaksAs: /\bcollect2:|\bld: |\b(?:gcc|g\+\+|cc1\w*): |: (?:fatal )?error: /,
  patterns: [
    {
      id: 'ld-ram-overflowed',
      match: /region [`'"]?(?:s?ram\w*|data|dram\w*|dtcm\w*)'? overflowed by (\d+) bytes/i,
      code: 'E_DOES_NOT_FIT',
      what: 'the firmware needs $1 bytes more RAM than the board has',
      why: 'the arena, the variables and the reserved stack together are larger than the memory',
      next: SMALLER_MODEL,
    },
    {
      id: 'ld-flash-overflowed',
      match: /region [`'"]?\w+'? overflowed by (\d+) bytes/,
      code: 'E_DOES_NOT_FIT',
      what: 'the firmware needs $1 bytes more flash than the board has',
      why: 'the weights and the code together are larger than the memory',
      next: SMALLER_MODEL,
    },
    {
      id: 'ld-avr-ram',
      match: /section [`'"]?\.(?:bss|data|noinit)'? is not within region [`'"]?data/,
      code: 'E_DOES_NOT_FIT',
      what: 'the firmware needs more RAM than the chip has',
      why: 'the arena and the variables together are larger than the memory',
      next: SMALLER_MODEL,
    },
    {
      id: 'ld-section-does-not-fit',
      match: /section [`'"]?(\.\w+)'? will not fit in region [`'"]?(\w+)/,
      code: 'E_DOES_NOT_FIT',
      what: 'the firmware does not fit: section $1 is larger than the memory $2',
      why: 'weights and code fill the flash; the arena and variables fill the RAM',
      next: SMALLER_MODEL,
    },
    {
      id: 'ld-location-counter',
      match: /cannot move location counter backwards \(from ([0-9a-f]+) to ([0-9a-f]+)\)/,
      code: 'E_DOES_NOT_FIT',
      what: 'the firmware does not fit: what lies below 0x$2 reaches up to 0x$1',
      why: 'the linker script keeps a place free that the arena or the weights have grown into',
      next: SMALLER_MODEL,
    },
    {
      id: 'gcc-arena-assertion',
      match: /size of array [‘'`]?(\w*(?:fits|arena)\w*)[’'`]? is negative/,
      code: 'E_DOES_NOT_FIT',
      what: 'the model’s arena is larger than the board’s RAM ($1)',
      why: 'the emitted C checks it while it is compiled',
      next: SMALLER_MODEL,
    },
    {
      id: 'gcc-no-header',
      match: /fatal error: ([\w./-]+\.h): No such file or directory/,
      code: 'E_BUILD_FAILED',
      what: 'the compiler does not find $1',
      why: 'a library or a framework that the program includes is not installed, or its folder was not named',
      next: [
        'Arduino.h: build with arduino-cli or PlatformIO, not with the compiler alone.',
        'Others: install the library that has it.',
      ],
    },
    {
      id: 'ld-no-library',
      match: /cannot find -l(\S+?):? /,
      code: 'E_BUILD_FAILED',
      what: 'the linker does not find the library $1',
      why: 'it is not installed for this compiler',
      next: ['libm, libc: the compiler’s C library is missing; thimble doctor says how to install it.'],
    },
    {
      id: 'ld-undefined',
      match: /undefined reference to [`'‘](\w+)/,
      code: 'E_BUILD_FAILED',
      what: 'nothing defines $1',
      why: 'a source file is missing from the build, or a function that is yours to write (on_result, fill_input) is gone',
      next: ['Bring it back, or build anew: thimble build', OURS],
    },
    {
      id: 'ld-duplicate',
      match: /multiple definition of [`'‘](\w+)/,
      code: 'E_BUILD_FAILED',
      what: '$1 is defined twice',
      why: 'an old source file lies beside the new one, or two models have one name',
      next: ['Build into an empty folder: thimble build -o FOLDER', 'Give the second model a name: --name'],
    },
    {
      id: 'gcc-unknown-cpu',
      match: /unrecognized -mcpu target: (\S+)|unknown MCU [‘'`]?(\w+)/,
      code: 'E_TOOL_MISSING',
      what: 'this compiler does not know the processor $1$2',
      why: 'it is older than the processor',
      next: ['Install a newer one: thimble doctor shows the version.'],
    },
    {
      id: 'gcc-disk-full',
      match: /No space left on device/,
      code: 'E_FILE',
      what: 'the disk is full',
      why: 'the compiler could not write its output',
      next: ['Make room, or build elsewhere: -o FOLDER'],
    },
  ],
};
