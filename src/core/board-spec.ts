import type { BoardFacts } from './board-facts.js';

/** A board as boards/<id>.json describes it; src/boards checks the file and fills defaults. */
export interface BoardSpec {
  readonly id: string; // file name without .json
  readonly aliases: readonly string[];
  readonly name: string;
  readonly mcu: string;
  readonly core: Core;
  readonly clockHz: number;
  readonly flashBytes: number;
  readonly ramBytes: number;
  /** What start-up code, stack and the protocol leave for a model: flash and RAM that the fit check may use. */
  readonly reserved: { readonly flashBytes: number; readonly ramBytes: number; readonly stackBytes: number };
  readonly template?: string; // folder in firmware-templates; absent: Thimble emits C for the board, and builds nothing yet
  readonly templateOptions?: Readonly<Record<string, string | number>>; // what the template needs to know about the board
  readonly flash: FlashChoice & { readonly others?: readonly FlashChoice[] }; // others: by thimble flash --method
  readonly serial: { readonly baud: number; readonly usbIds: readonly string[]; readonly resetOnOpen: boolean };
  readonly virtual?: {
    readonly backend: 'avr8js' | 'rp2040js' | 'qemu' | 'process' | 'esp-rom';
    readonly machine?: string; // of QEMU
    readonly serialLine?: number; // which of the machine's serial lines is the board's; 0 is the first
  };
  readonly facts?: BoardFacts;
  readonly quirks: readonly string[]; // sentences
  readonly sources: readonly string[];
}

/** A way to flash the board: a file of src/flash, with what it needs to know about the board. */
export interface FlashChoice {
  readonly method: string;
  readonly options?: Readonly<Record<string, string | number>>;
}

/** What the emitter's --target takes; the code it emits for any of them computes the same bytes. */
export const cores = [
  'generic',
  'cortex-m0',
  'cortex-m0plus',
  'cortex-m3',
  'cortex-m4',
  'cortex-m7',
  'cortex-m33',
  'cortex-m55',
  'avr',
  'rv32imc',
  'esp32',
] as const;
export type Core = (typeof cores)[number];
