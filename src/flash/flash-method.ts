/** How an image gets into a board. One file per method; a board file names its own. */
import type { BoardSpec } from '../core/board-spec.js';
import type { FirmwareImage } from '../core/firmware-image.js';
import type { OnEvent } from '../core/stage-event.js';

export interface FlashRequest {
  readonly board: BoardSpec;
  readonly image: FirmwareImage;
  /** The drive or, for a virtual board, the folder that stands for it; found by the method where it can. */
  readonly drive?: string;
  /** The serial port, for methods that need one; a dry run does without. */
  readonly port?: string;
  /** Called where the board came back at a port, which may have another name than before. */
  readonly onPort?: (path: string) => void;
  readonly onEvent?: OnEvent;
  readonly signal?: AbortSignal;
}

export interface FlashMethod {
  readonly name: string; // BoardSpec.flash.method
  /** It puts a file on a drive, and a virtual board shows a folder that stands for that. */
  readonly drive?: boolean;
  /** Whether flash() cannot do without FlashRequest.port. */
  readonly needsPort?: boolean;
  /** What it does with a port that it could do without: looks for the board's, or takes one that was named. */
  readonly wantsPort?: 'if-there' | 'if-named';
  /** What flash would do, a sentence a line, for --dry-run. Throws what flash would throw before it touches the board. */
  describe(request: FlashRequest): readonly string[];
  /** Resolves when the board has taken the image and restarts. Rejects with E_FLASH_FAILED, E_INTERRUPTED, E_FILE. */
  flash(request: FlashRequest): Promise<void>;
}
