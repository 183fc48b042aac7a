import { listBoards } from '../../boards/load-board.js';
import { isBuildable, templatesOf } from '../../firmware/template.js';
import { bytesText, tableText } from '../table.js';
import type { Verb } from './index.js';

export const boards: Verb = (program, action) => {
  program
    .command('boards')
    .description('list the boards that Thimble knows')
    .addHelpText(
      'after',
      '\nExample:\n  thimble boards\nEmit, build and flash say what Thimble does for a board today; by-hand: thimble flash --dry-run shows the command.\nA board of your own is one JSON file: --board ./my-board.json',
    )
    .action(
      action(async (context) => {
        const all = listBoards();
        // C is emitted for each of them; what else works today is not the same for all.
        context.printJson(
          all.map((board) => ({
            ...board,
            works: { emit: true, build: isBuildable(board), flash: board.flash.method !== 'by-hand' },
            templates: templatesOf(board),
          })),
        );
        context.print(
          tableText(
            [
              { title: 'board' },
              { title: 'alias' },
              { title: 'name' },
              { title: 'core' },
              { title: 'clock', align: 'right' },
              { title: 'flash size', align: 'right' },
              { title: 'RAM', align: 'right' },
              { title: 'emit' },
              { title: 'build' },
              { title: 'flash' },
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
              'yes',
              isBuildable(board) ? board.template! : 'not yet',
              board.flash.method,
              board.virtual?.backend ?? '',
            ]),
            context.colors.dim,
          ),
        );
      }),
    );
};
