/** Looks over this computer for what Thimble calls, and says for each finding how to mend it. */
import { listBoards } from '../../boards/load-board.js';
import type { BoardSpec } from '../../core/board-spec.js';
import { examineCores } from './cores.js';
import type { Finding } from './finding.js';
import { examinePorts } from './ports.js';
import { examinePrograms } from './programs.js';
import { examineSystem } from './system.js';

export type { Finding } from './finding.js';

/** @param board to look for what this one needs, and nothing else's */
export async function examine(board?: BoardSpec): Promise<readonly Finding[]> {
  const boards = board ? [board] : listBoards();
  const [system, programs, cores, ports] = await Promise.all([
    examineSystem(),
    examinePrograms(boards, board),
    examineCores(boards),
    examinePorts(listBoards()),
  ]);
  return [...system, ...programs, ...cores, ...ports];
}
