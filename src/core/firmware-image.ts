/** A built firmware: the files that flash it, and what they take of the board. */
export interface FirmwareImage {
  readonly boardId: string;
  readonly folder: string; // the project: a person can build it again there with build.sh
  readonly executable: string; // path of the ELF file, or of the program on this computer
  readonly uf2?: string; // path, where the board takes UF2
  readonly size: FirmwareSize | null; // null where the toolchain writes no ELF
}

/** Bytes, from the allocated sections of the ELF file. */
export interface FirmwareSize {
  readonly flashBytes: number; // code, constants, and the initial values of variables
  readonly ramBytes: number; // variables, without the stack
  readonly stackBytes: number; // reserved
  readonly sections: readonly { readonly name: string; readonly bytes: number; readonly kind: SectionKind }[];
}
export type SectionKind = 'code' | 'constants' | 'initialised' | 'zeroed' | 'stack';
