/**
 * The STM32F4 family. Its members differ in their top speed and what that asks of voltage and flash; boards differ in
 * the clock that they bring and in the USART that their cable ends at. Reference manuals RM0090 (F405), RM0368 (F401)
 * and RM0390 (F446): RCC, PWR, "Embedded flash memory interface"; the datasheets' tables of alternate functions.
 */
import type { BoardSpec } from '../../core/board-spec.js';
import { ThimbleError } from '../../core/errors.js';
import type { Chip } from './chip.js';

interface Member {
  readonly hz: number;
  readonly pllP: number; // divides the VCO, which takes 192 to 432 MHz
  readonly apb1Divisor: number; // its bus takes 42 MHz (F401, F405) or 45 MHz (F446)
  readonly apb2Divisor: number; // twice that
  readonly flashWaits: number; // at 2.7 V and more
  readonly voltageScale: number; // bits of PWR_CR to set: some have it after reset
  readonly overdrive: boolean;
}

const members: Readonly<Record<string, Member>> = {
  f401: {
    ...{ hz: 84_000_000, pllP: 4, apb1Divisor: 2, apb2Divisor: 1 },
    ...{ flashWaits: 2, voltageScale: 2, overdrive: false },
  },
  f405: {
    ...{ hz: 168_000_000, pllP: 2, apb1Divisor: 4, apb2Divisor: 2 },
    ...{ flashWaits: 5, voltageScale: 1, overdrive: false },
  },
  f446: {
    ...{ hz: 180_000_000, pllP: 2, apb1Divisor: 4, apb2Divisor: 2 },
    ...{ flashWaits: 5, voltageScale: 3, overdrive: true },
  },
};

/** Those with pins on port A, alternate function 7. */
const usarts = {
  1: { address: 0x40011000, onApb2: 1, enable: 1 << 4, txPin: 9, rxPin: 10, line: 37 },
  2: { address: 0x40004400, onApb2: 0, enable: 1 << 17, txPin: 2, rxPin: 3, line: 38 },
} as const;

const FLASH_START = 0x08000000;

export const stm32f4 = (name: keyof typeof members): Chip => {
  const member = members[name]!;
  return {
    template: 'baremetal-arm',
    folders: ['stm32f4'],
    linkerScript: 'thimble_stm32f4.ld',
    flashAddress: FLASH_START,
    defines: (board) => {
      const usart = usartOf(board);
      const { crystalHz = 0, clockInputHz = 0 } = board.templateOptions ?? {};
      return {
        ...{ SYSTEM_HZ: member.hz, PLL_P: member.pllP, FLASH_WAITS: member.flashWaits },
        ...{ APB1_DIVISOR: member.apb1Divisor, APB2_DIVISOR: member.apb2Divisor },
        ...{ VOLTAGE_SCALE: member.voltageScale, OVERDRIVE: Number(member.overdrive) },
        ...{ HSE_HZ: Number(crystalHz) || Number(clockInputHz), HSE_BYPASS: Number(clockInputHz) > 0 ? 1 : 0 },
        ...{ USART_ADDRESS: usart.address, USART_ON_APB2: usart.onApb2, USART_ENABLE: usart.enable },
        INTERRUPT_VECTORS: 64, // the USARTs' lines lie beyond 32
        ...{ USART_TX_PIN: usart.txPin, USART_RX_PIN: usart.rxPin, USART_LINE: usart.line },
      };
    },
  };
};

function usartOf({ id, templateOptions }: BoardSpec) {
  const number = templateOptions?.['usart'];
  if (number === 1 || number === 2) return usarts[number];
  throw new ThimbleError(
    'E_BOARD_FILE',
    `the start-up code of the STM32F4 takes the USART 1 (PA9, PA10) or 2 (PA2, PA3), not ${number ?? 'none'}`,
    'Say which one the cable ends at: "templateOptions": { "usart": 2 }',
    { where: `in board "${id}" at $.templateOptions.usart` },
  );
}
