/** What the bare-metal templates must know about a chip that its board's file does not say. */
import type { BoardSpec } from '../../core/board-spec.js';

export interface Chip {
  readonly template: 'baremetal-arm' | 'baremetal-riscv' | 'baremetal-avr';
  readonly folders: readonly string[]; // in the template's, beside its common
  /** Absent: the chip's C library brings start-up code and a linker script of its own. */
  readonly linkerScript?: string;
  /** Where the program's first byte lies, as flash tools must be told. */
  readonly flashAddress: number;
  /** The ROM starts a second boot stage in front of the program. */
  readonly boot2?: boolean;
  /** What its C files take from the build, as THIMBLE_NAME. Throws where the board's templateOptions make no sense. */
  readonly defines?: (board: BoardSpec) => Readonly<Record<string, number>>;
}
