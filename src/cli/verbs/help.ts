import type { Command } from 'commander';
import { type ErrorCode, ThimbleError } from '../../core/errors.js';
import { errorHelp } from '../error-help.js';
import type { Verb } from './index.js';

export const help: Verb = (program, action) => {
  program
    .command('help')
    .argument('[topic]', 'an error code such as E_DOES_NOT_FIT, or a command')
    .description('explain an error code, or show the help of a command')
    .addHelpText('after', '\nExample:\n  thimble help E_DOES_NOT_FIT')
    .action(
      action(async (context, topic?: string) => {
        const code = topic?.toUpperCase().replace(/-/g, '_') ?? '';
        const command = program.commands.find((candidate) => candidate.name() === topic);
        if (topic === undefined || command) {
          const text = helpText(command ?? program);
          context.print(text);
          context.printJson({ ...(command && { command: topic }), text });
        } else if (code in errorHelp) {
          const text = errorHelp[code as ErrorCode];
          context.print(`${context.colors.bold(code)}\n\n${text}`);
          context.printJson({ code, text });
        } else
          throw new ThimbleError('E_USAGE', `there is no command and no error code "${topic}"`, [
            `Codes: ${Object.keys(errorHelp).join(' ')}`,
            'thimble --help lists the commands.',
          ]);
      }),
    );
};

/** As --help prints it, example included. */
function helpText(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}
