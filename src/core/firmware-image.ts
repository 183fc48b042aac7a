/** A built firmware: the files that flash it, and what they take of the board. */
export interface FirmwareImage {
  readonly boardId: string;
  readonly folder: string; // the project: a person can build it again there with build.sh
  readonly executable: string; // path of the ELF file, or of the program on this computer
  readonly uf2?: string; // paths of the same program in the forms that flash tools take, where the build made them
  readonly hex?: string; // Intel HEX
  readonly bin?: string; // from the first byte of the program's flash
  readonly parts?: readonly FlashPart[]; // for chips that are given several files, as the ESP32
  readonly size: FirmwareSize | null; // null where the toolchain writes no ELF
}

export interface FlashPart {
  readonly address: number; // in the flash chip
  readonly path: string;
}

/** Bytes, from the allocated sections of the ELF file. */
export interface FirmwareSize {
  readonly flashBytes: number; // code, constants, and the initial values of variables
  readonly ramBytes: number; // variables, without the stack
  readonly stackBytes: number; // reserved
  readonly sections: readonly { readonly name: string; readonly bytes: number; readonly kind: SectionKind }[];
}
export type SectionKind = 'code' | 'constants' | 'initialised' | 'zeroed' | 'stack';
