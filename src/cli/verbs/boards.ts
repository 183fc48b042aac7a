import { listBoards } from '../../boards/load-board.js';
import { bytesText, tableText } from '../table.js';
import type { Verb } from './index.js';

export const boards: Verb = (program, action) => {
  program
    .command('boards')
    .description('list the boards that Thimble knows')
    .addHelpText('after', '\nExample:\n  thimble boards\nA board of your own is one JSON file: --board ./my-board.json')
    .action(
      action(async (context) => {
        const all = listBoards();
        context.printJson(all);
        context.print(
          tableText(
            [
              { title: 'board' },
              { title: 'alias' },
              { title: 'name' },
              { title: 'core' },
              { title: 'clock', align: 'right' },
              { title: 'flash', align: 'right' },
              { title: 'RAM', align: 'right' },
              { title: 'flash method' },
              { title: 'virtual' },
            ],
            all.map((board) => [
              board.id,
              board.aliases.join(', '),
              board.name,
              board.core,
              `${board.clockHz / 1e6} MHz`,
              bytesText(board.flashBytes),
              bytesText(board.ramBytes),
              board.flash.method,
              board.virtual?.backend ?? '',
            ]),
            context.colors.dim,
          ),
        );
      }),
    );
};
