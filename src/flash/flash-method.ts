/** How an image gets into a board. One file per method; a board file names its own. */
import type { BoardSpec } from '../core/board-spec.js';
import type { FirmwareImage } from '../core/firmware-image.js';
import type { OnEvent } from '../core/stage-event.js';

export interface FlashRequest {
  readonly board: BoardSpec;
  readonly image: FirmwareImage;
  /** The drive or, for a virtual board, the folder that stands for it; found by the method where it can. */
  readonly drive?: string;
  readonly onEvent?: OnEvent;
  readonly signal?: AbortSignal;
}

export interface FlashMethod {
  readonly name: string; // BoardSpec.flash.method
  /** What flash would do, a sentence a line, for --dry-run. Throws what flash would throw before it touches the board. */
  describe(request: FlashRequest): readonly string[];
  /** Resolves when the board has taken the image and restarts. Rejects with E_FLASH_FAILED, E_INTERRUPTED, E_FILE. */
  flash(request: FlashRequest): Promise<void>;
}
