/** Which of several ports it is, asked of a person at a terminal. */
import type { BoardSpec } from '../core/board-spec.js';
import { ThimbleError } from '../core/errors.js';
import type { ListedPort } from '../device/list-ports.js';
import { type ChoosePort, type PortSearch, portText } from '../pipeline/find-port.js';
import type { Context } from './context.js';

/** What every verb that talks to a board hands down; nobody is asked where nobody sits at a terminal. */
export const portSearch = (context: Context): PortSearch => ({
  onEvent: context.onEvent,
  signal: context.signal,
  ...(context.interactive && process.stdin.isTTY === true && { choosePort: chooser(context.signal) }),
});

const chooser =
  (signal: AbortSignal): ChoosePort =>
  async (board: BoardSpec, ports: readonly ListedPort[]) => {
    const { default: select } = await import('@inquirer/select'); // only who is asked waits for it to load
    try {
      return await select<ListedPort>(
        {
          message: `Which port is the ${board.name}?`,
          choices: ports.map((port) => ({ value: port, name: `${port.path}  ${portText(port)}`, short: port.path })),
        },
        { output: process.stderr, signal }, // stdout is for what the command says
      );
    } catch (error) {
      if (error instanceof Error && /^(ExitPromptError|AbortPromptError)$/.test(error.name))
        throw new ThimbleError('E_INTERRUPTED', 'interrupted before a port was chosen; nothing was done', [
          `To name it at once: --port ${ports[0]!.path}`,
        ]);
      throw error;
    }
  };
