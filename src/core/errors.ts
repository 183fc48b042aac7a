/**
 * Every failure that a person can cause or fix: what happened, where, and what to try next.
 * Anything else that is thrown is a bug of ours and keeps its stack.
 */

/** All codes, with the exit code of the command that fails with it. `thimble help CODE` explains each at length. */
export const exitCodeOf = {
  E_USAGE: 2, // a flag, argument or combination that makes no sense
  E_CONFIG: 2, // thimble.config.json
  E_RECIPE: 2,
  E_FILE: 2, // not found, not readable, not writable
  E_MODEL_FORMAT: 2, // not a model file, or a damaged one
  E_UNSUPPORTED_OP: 2,
  E_UNSUPPORTED_MODEL: 2, // float16, hybrid, dynamic-range, uint8, several subgraphs …
  E_SHAPE: 2, // tensors that do not fit together
  E_QUANT: 2, // quantization parameters that an int8 kernel cannot honour
  E_NOT_FINITE: 2, // NaN or Infinity in weights or data
  E_DATA_FORMAT: 2,
  E_DATA_EMPTY: 2,
  E_DATA_SHAPE: 2, // samples that do not fit the model
  E_TRAINING: 2,
  E_BOARD_UNKNOWN: 2,
  E_BOARD_FILE: 2,
  E_TOOL_MISSING: 2, // a compiler, emulator or flasher that is not installed
  E_BUILD_FAILED: 1,
  E_ENGINE: 1, // an engine that died
  E_DOES_NOT_FIT: 3,
  E_GATE: 3, // accuracy or latency
  E_NO_PORT: 4,
  E_PORT_BUSY: 4,
  E_PORT_LOST: 4,
  E_FLASH_FAILED: 5,
  E_VERIFY_MISMATCH: 6,
  E_WRONG_FIRMWARE: 6,
  E_PROTOCOL: 6, // the board answers, but not what the protocol allows
  E_NO_ANSWER: 42,
  E_TIMEOUT: 42,
  E_INTERRUPTED: 130,
} as const;

export type ErrorCode = keyof typeof exitCodeOf;

export interface ErrorContext {
  readonly where?: string; // 'at node "conv_3" (conv_2d)', 'in boards/pico.json at $.flash.bytes'
  readonly cause?: unknown;
}

export class ThimbleError extends Error {
  override readonly name = 'ThimbleError';
  readonly code: ErrorCode;
  readonly hints: readonly string[]; // at most three next steps, the likeliest first
  readonly where: string | undefined;

  constructor(code: ErrorCode, message: string, hint: string | readonly string[], context: ErrorContext = {}) {
    super(message, context.cause === undefined ? {} : { cause: context.cause });
    this.code = code;
    this.hints = typeof hint === 'string' ? [hint] : hint;
    this.where = context.where;
  }
}
