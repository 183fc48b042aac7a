/** What people need to know about a board beside what the emitter and the fit check compute with. */
export interface BoardFacts {
  readonly cpu: string; // '2x Cortex-M0+'
  readonly fpu: string; // 'none', or which
  readonly dsp: string; // 'none', or which
  readonly mve: boolean;
  /** What a program may take of flash and RAM beside boot loader, radio stack and operating system. */
  readonly usableFlashBytes: number;
  readonly usableRamBytes: number;
  readonly usbLink: string; // what is between the cable and the chip, and what its DTR and RTS do
  readonly bootloader: string;
  readonly flashCommands: readonly string[]; // as typed by hand, with {port} and {app.hex} to fill in
  readonly arduino: ArduinoPlace | null;
  readonly platformio: string | null; // id of the board
  readonly zephyr?: string | null | undefined; // name of the board, as west build -b takes it
  readonly led: { readonly pin: string; readonly activeLow: boolean } | null; // null: none that one pin switches
  /** Names of the facts that are general knowledge, read in no source: check them before you rely on them. */
  readonly generalKnowledge: readonly string[];
}

export interface ArduinoPlace {
  readonly fqbn: string;
  readonly index: string; // URL of the package index
  readonly coreVersion: string | null; // to pin; null: none was tried
}
