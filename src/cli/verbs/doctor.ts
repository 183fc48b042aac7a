import { readFileSync } from 'node:fs';
import { loadBoard } from '../../boards/load-board.js';
import { ThimbleError } from '../../core/errors.js';
import { readFileOf } from '../../files/read-file.js';
import { examine, type Finding } from '../../pipeline/doctor/index.js';
import { toolErrors } from '../../tools/tool-errors/index.js';
import { translateAny } from '../../tools/translate.js';
import type { Context } from '../context.js';
import { tableText } from '../table.js';
import type { Verb } from './index.js';

interface Flags {
  readonly board?: string;
  readonly explain?: string;
}

const STANDARD_INPUT = '-';

export const doctor: Verb = (program, action) => {
  program
    .command('doctor')
    .description(
      'check this computer for what Thimble calls: compilers, flashers, permissions, ports, with a fix for each',
    )
    .option('--board <board>', 'look for what this board needs alone')
    .option('--explain <file>', 'say what the output of a flash tool or compiler means; - reads what is piped in')
    .addHelpText('after', '\nExample:\n  thimble doctor --board uno\n  avrdude … 2>&1 | thimble doctor --explain -')
    .action(
      action(async (context, flags: Flags) =>
        flags.explain === undefined ? check(context, flags) : explain(context, flags.explain),
      ),
    );
};

async function check(context: Context, flags: Flags): Promise<void> {
  const findings = await examine(flags.board === undefined ? undefined : loadBoard(flags.board));
  context.printJson(findings);
  const { colors } = context;
  const mark: Readonly<Record<Finding['state'], string>> = {
    ok: colors.green('ok'),
    warning: colors.yellow('warning'),
    missing: colors.red('missing'),
    absent: colors.dim('absent'),
  };
  context.print(
    tableText(
      [{ title: 'what' }, { title: 'state' }, { title: 'found' }, { title: 'needed for' }],
      findings.map(({ what, state, found, neededFor }) => [what, mark[state], found, neededFor]),
      colors.dim,
    ),
  );
  // What stops people comes first; what they may never need is told in the table, and fixed if they ask for its board.
  const urgent = findings.filter(({ fix, state }) => fix !== null && state !== 'absent');
  const optional = findings.filter(({ fix, state }) => fix !== null && state === 'absent');
  if (urgent.length > 0) context.print(`\n${colors.bold('to mend')}\n${fixLines(urgent)}`);
  if (optional.length > 0) context.print(`\n${colors.bold('if your board needs it')}\n${fixLines(optional)}`);
}

const fixLines = (findings: readonly Finding[]): string =>
  findings.map(({ what, fix }) => `  ${what}: ${fix}`).join('\n');

async function explain(context: Context, file: string): Promise<void> {
  const output =
    file === STANDARD_INPUT ? readFileSync(0, 'utf8') : new TextDecoder().decode(readFileOf('the output', file));
  const known = translateAny(output);
  if (!known)
    throw new ThimbleError('E_USAGE', 'no known failure is in this output', [
      `Known are those of ${toolErrors.map(({ programs }) => programs[0]).join(', ')}.`,
      'Give all of what the tool printed, errors included: tool … 2>&1 | thimble doctor --explain -',
    ]);
  context.printJson(known);
  const { bold, cyan } = context.colors;
  const steps = known.next.map((step, i) => `  ${cyan(`try ${i + 1}:`)} ${step}`);
  context.print(`${bold(known.what)}\n  ${known.why}\n${steps.join('\n')}`);
}
