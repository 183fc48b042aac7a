/**
 * The AVR chips of Arduino boards as avr8js needs them: memories, and the interrupt vectors (word addresses) in which the
 * ATmega2560 differs from the ATmega328P. Data sheets DS40002061 (328P) and DS40002211 (2560): memories, boot loader
 * support, interrupts.
 */
import {
  type ADCConfig,
  type AVRTimerConfig,
  adcConfig,
  timer0Config,
  timer1Config,
  timer2Config,
  usart0Config,
  type WatchdogConfig,
  watchdogConfig,
} from 'avr8js';
import { ThimbleError } from '../core/errors.js';

export interface AvrChip {
  readonly flashBytes: number;
  readonly pageBytes: number; // what self-programming erases and writes at once
  /** From here on the processor can be executed while a page below is written (no read-while-write section). */
  readonly nrwwStart: number;
  readonly ramStart: number; // data address behind the registers
  readonly ramBytes: number;
  readonly usart: typeof usart0Config;
  readonly timers: readonly AVRTimerConfig[];
  readonly watchdog: WatchdogConfig;
  readonly adc: ADCConfig;
}

const atmega328p: AvrChip = {
  ...{ flashBytes: 0x8000, pageBytes: 128, nrwwStart: 0x7000, ramStart: 0x100, ramBytes: 0x800 },
  usart: usart0Config,
  timers: [timer0Config, timer1Config, timer2Config],
  watchdog: watchdogConfig,
  adc: adcConfig,
};

const atmega2560: AvrChip = {
  ...{ flashBytes: 0x40000, pageBytes: 256, nrwwStart: 0x3e000, ramStart: 0x200, ramBytes: 0x2000 },
  usart: { ...usart0Config, rxCompleteInterrupt: 0x32, dataRegisterEmptyInterrupt: 0x34, txCompleteInterrupt: 0x36 },
  timers: [
    { ...timer0Config, compAInterrupt: 0x2a, compBInterrupt: 0x2c, ovfInterrupt: 0x2e },
    {
      ...timer1Config,
      ...{
        captureInterrupt: 0x20,
        compAInterrupt: 0x22,
        compBInterrupt: 0x24,
        compCInterrupt: 0x26,
        ovfInterrupt: 0x28,
      },
      ...{ OCRC: 0x8c, OCFC: 8, OCIEC: 8 },
    },
    { ...timer2Config, compAInterrupt: 0x1a, compBInterrupt: 0x1c, ovfInterrupt: 0x1e },
  ],
  watchdog: { ...watchdogConfig, watchdogInterrupt: 0x18 },
  adc: { ...adcConfig, adcInterrupt: 0x3a },
};

/** @throws ThimbleError E_BOARD_FILE for a chip that nobody described here */
export function avrChip(mcu: string): AvrChip {
  if (mcu === 'ATmega328P') return atmega328p;
  if (mcu === 'ATmega2560') return atmega2560;
  throw new ThimbleError(
    'E_BOARD_FILE',
    `no virtual board for the chip "${mcu}": there is the ATmega328P and the ATmega2560`,
    'Take "virtual" out of the board file.',
  );
}
