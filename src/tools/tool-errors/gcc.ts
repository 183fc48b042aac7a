/** gcc and the linker behind it, under any prefix (arm-none-eabi-gcc, avr-gcc, cc). */
import type { ToolPatterns } from '../tool-pattern.js';

const smaller = ['Prune the model: --prune channels=0.5', 'Choose a larger board: thimble boards'];

export const gcc: ToolPatterns = {
  programs: ['gcc', 'g++', 'cc', 'c++', 'ld'],
  patterns: [
    {
      id: 'ld-ram-overflowed',
      match: /region [`'"]?(?:s?ram\w*|data|dram\w*)'? overflowed by (\d+) bytes/i,
      code: 'E_DOES_NOT_FIT',
      what: 'the firmware needs $1 bytes more RAM than the board has',
      why: 'the arena, the variables and the reserved stack together are larger than the memory',
      next: smaller,
    },
    {
      id: 'ld-flash-overflowed',
      match: /region [`'"]?\w+'? overflowed by (\d+) bytes/,
      code: 'E_DOES_NOT_FIT',
      what: 'the firmware needs $1 bytes more flash than the board has',
      why: 'the weights and the code together are larger than the memory',
      next: smaller,
    },
  ],
};
