/** A file that an emitter made, not yet written. Paths are relative with forward slashes. */
export interface EmittedFile {
  readonly path: string;
  readonly content: string | Uint8Array;
}
