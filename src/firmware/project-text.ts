/** What makes the project folder of a firmware usable without Thimble: a script and a page. */
import type { BoardSpec } from '../core/board-spec.js';

/** The very commands that the build ran, one to a line. */
export const buildScript = (commands: readonly (readonly string[])[]): string => `#!/bin/sh
# Builds build/firmware again: the commands that Thimble ran. Start it anywhere.
set -e
cd "$(dirname "$0")"
${commands.map(shellLine).join('\n')}
`;

/** A command as a person types it. */
export const shellLine = (command: readonly string[]): string => command.map(shellWord).join(' ');

/** Quoted where a shell would read more than a word in it. */
const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

export const projectReadme = (board: BoardSpec, modelName: string): string => `# ${modelName} for ${board.name}

Made by Thimble. \`sh build.sh\` builds it again; \`thimble build\` makes it anew and overwrites what is here.

- \`model/\`: the network in C, usable in any project: include \`${modelName}.h\`
- \`runtime/\`: the serial protocol, which reports readings and answers \`thimble verify\`
- \`board/\`: start-up code, clocks, serial port and linker script
- \`model_binding.c\`: joins the two
- \`build/\`: what the compiler made
`;
