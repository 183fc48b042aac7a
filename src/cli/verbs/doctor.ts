import { examine } from '../../pipeline/doctor.js';
import { tableText } from '../table.js';
import type { Verb } from './index.js';

export const doctor: Verb = (program, action) => {
  program
    .command('doctor')
    .description('check this computer for what Thimble calls: compilers, emulators, the serial binding, permissions')
    .addHelpText('after', '\nExample:\n  thimble doctor')
    .action(
      action(async (context) => {
        const findings = await examine();
        context.printJson(findings);
        const { colors } = context;
        const mark = { ok: colors.green('ok'), warning: colors.yellow('warning'), missing: colors.red('missing') };
        context.print(
          tableText(
            [{ title: 'what' }, { title: 'state' }, { title: 'found' }, { title: 'needed for' }],
            findings.map((finding) => [finding.what, mark[finding.state], finding.found, finding.neededFor]),
            colors.dim,
          ),
        );
        const fixes = findings.filter((finding) => finding.fix !== null);
        if (fixes.length > 0) context.print(`\n${fixes.map(({ what, fix }) => `  ${what}: ${fix}`).join('\n')}`);
      }),
    );
};
