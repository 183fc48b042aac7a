/** What other people's programs say when they fail, put into words that help: one row a known failure. */
import type { ErrorCode } from '../core/errors.js';

export interface ToolPattern {
  readonly id: string; // unique, 'avrdude-not-in-sync'
  readonly match: RegExp; // against all that the tool said; no flag g
  readonly code: ErrorCode;
  /** Sentences without a full stop; $1, $2 … stand for what the match caught. */
  readonly what: string;
  readonly why: string;
  readonly next: readonly string[]; // at most three, the likeliest first
  /** A slower line may help: the flash methods try the next lower baud before they give up. */
  readonly retrySlower?: true;
}

export interface ToolPatterns {
  /** Names of the program as it is called; the first is the one that people know it by. */
  readonly programs: readonly string[];
  /** What its output is known by, where nobody says what wrote it: its name or its manner. */
  readonly speaksAs: RegExp;
  readonly patterns: readonly ToolPattern[]; // the first that matches counts: causes before their consequences
}

export interface Translation {
  readonly id: string;
  readonly code: ErrorCode;
  readonly what: string;
  readonly why: string;
  readonly next: readonly string[];
  readonly retrySlower: boolean;
}
