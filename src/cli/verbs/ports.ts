import { listBoards } from '../../boards/load-board.js';
import { listPorts } from '../../device/list-ports.js';
import { tableText } from '../table.js';
import type { Verb } from './index.js';

export const ports: Verb = (program, action) => {
  program
    .command('ports')
    .description('list serial ports and the boards that they may be')
    .addHelpText('after', '\nExample:\n  thimble ports')
    .action(
      action(async (context) => {
        const all = await listPorts(listBoards());
        context.printJson(all);
        if (all.length === 0)
          context.print(
            '  no serial ports. Is the board plugged in, with a cable that carries data? Without one: --port virtual',
          );
        else
          context.print(
            tableText(
              [{ title: 'port' }, { title: 'kind' }, { title: 'USB id' }, { title: 'board' }, { title: 'maker' }],
              all.map((port) => [
                port.path,
                port.kind,
                port.usbId ?? '',
                port.boards.join(' or '),
                port.manufacturer ?? '',
              ]),
              context.colors.dim,
            ),
          );
      }),
    );
};
