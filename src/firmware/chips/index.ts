/** The chips that bare-metal programs can be built for, by BoardSpec.mcu. */
import type { BoardSpec } from '../../core/board-spec.js';
import type { Chip } from './chip.js';
import { stm32f4 } from './stm32f4.js';

export type { Chip } from './chip.js';

/**
 * One block of input at a time: the UART keeps a byte or a few, and what comes while the board confirms a block would
 * be lost. It could be sent again, but the next ones would be lost the same way.
 */
const SMALL_UART = { CREDITS: 1 };

/** UART and clock of Arm's FPGA images: application notes AN385, AN386 and AN547. */
const mps2: Chip = {
  template: 'baremetal-arm',
  folders: ['cmsdk', 'mps2'],
  linkerScript: 'thimble_mps2.ld',
  flashAddress: 0,
  defines: () => ({ SYSTEM_HZ: 25_000_000, UART_ADDRESS: 0x40004000, UART_RX_LINE: 0, ...SMALL_UART }),
};

const mps3: Chip = {
  template: 'baremetal-arm',
  folders: ['cmsdk', 'mps3'],
  linkerScript: 'thimble_mps3.ld',
  flashAddress: 0,
  // The secure alias; the line is UART0's receiving one, from 33 on there. The counter runs at the processor's clock.
  defines: () => ({ SYSTEM_HZ: 32_000_000, UART_ADDRESS: 0x59303000, UART_RX_LINE: 33, ...SMALL_UART }),
};

const nrf51: Chip = {
  template: 'baremetal-arm',
  folders: ['nrf51'],
  linkerScript: 'thimble_nrf51.ld',
  flashAddress: 0,
  defines: () => ({ SYSTEM_HZ: 16_000_000, UART_TX_PIN: 24, UART_RX_PIN: 25, ...SMALL_UART }), // the micro:bit's, to its interface chip
};

const fe310: Chip = {
  template: 'baremetal-riscv',
  folders: ['fe310'],
  linkerScript: 'thimble_fe310.ld',
  flashAddress: 0x20400000,
  defines: (board) => ({ SYSTEM_HZ: board.clockHz, ...SMALL_UART }),
};

const avr: Chip = { template: 'baremetal-avr', folders: [], flashAddress: 0 };

const chips: Readonly<Record<string, Chip>> = {
  RP2040: {
    template: 'baremetal-arm',
    folders: ['rp2040'],
    linkerScript: 'thimble_rp2040.ld',
    flashAddress: 0x10000000,
    boot2: true,
  },
  AN385: mps2,
  AN386: mps2,
  AN547: mps3,
  ATmega328P: avr,
  ATmega2560: avr,
  FE310: fe310,
  nRF51822: nrf51,
  STM32F401RE: stm32f4('f401'),
  STM32F405RG: stm32f4('f405'),
  STM32F446RE: stm32f4('f446'),
};

/** Undefined where the board's template is none of ours for bare metal, or has no start-up code for the chip. */
export function bareMetalChip({ mcu, template }: BoardSpec): Chip | undefined {
  const chip = chips[mcu];
  return chip?.template === template ? chip : undefined;
}

export const chipNames = Object.keys(chips);
