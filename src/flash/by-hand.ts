/** Boards that Thimble does not flash itself yet: it says the command of the board's own tool, and touches nothing. */
import { ThimbleError } from '../core/errors.js';
import type { FlashMethod, FlashRequest } from './flash-method.js';

export const byHand: FlashMethod = {
  name: 'by-hand',
  describe: (request) => commandsFor(request).map((command) => `by hand: ${command}`),
  flash: async (request) => {
    const [first, ...others] = commandsFor(request);
    throw new ThimbleError(
      'E_FLASH_FAILED',
      `Thimble does not flash the ${request.board.name} itself yet; the board is unchanged`,
      first === undefined
        ? 'Use the tool of its maker.'
        : [`Run: ${first}`, ...others.slice(0, 2).map((command) => `Or: ${command}`)],
    );
  },
};

/** An image of the kind that a command takes stands in its place; what else is open stays in braces. */
function commandsFor({ board, image }: FlashRequest): readonly string[] {
  const kind = /\.(\w+)$/.exec(image.executable)?.[1]?.toLowerCase();
  return (board.facts?.flashCommands ?? []).map((command) =>
    kind === undefined ? command : command.replaceAll(`{app.${kind}}`, () => image.executable),
  );
}
