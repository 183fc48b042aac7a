/** The documents name files, scripts, verbs and flags: all of them must exist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../src/cli/main.js';
import { projectFolder } from './shared-folder.js';

const documents = [
  'README.md',
  'CONTRIBUTING.md',
  ...['docs', 'examples/digits', 'examples/sine'].flatMap((folder) =>
    readdirSync(join(projectFolder, folder))
      .filter((file) => file.endsWith('.md'))
      .map((file) => `${folder}/${file}`),
  ),
];
const textOf = (document: string) => readFileSync(join(projectFolder, document), 'utf8');
const program = createProgram(new AbortController().signal);
const scripts = Object.keys(JSON.parse(textOf('package.json')).scripts);

describe.each(documents)('%s', (document) => {
  const text = textOf(document);

  it('links to files that exist', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map((match) => match[1]!);
    expect(links.filter((link) => !existsSync(join(projectFolder, dirname(document), link)))).toEqual([]);
  });

  it('names paths of the project that exist', () => {
    const paths = [
      ...text.matchAll(/`((?:src|boards|docs|tests|scripts|examples|firmware-templates)\/[\w./-]+)`/g),
    ].map((match) => match[1]!);
    expect(paths.filter((path) => !existsSync(join(projectFolder, path)))).toEqual([]);
  });

  it('names npm scripts that exist', () => {
    const named = [...text.matchAll(/npm (?:run )?(test|demo|bench|build|check|lint|format|types)\b/g)].map(
      (match) => match[1]!,
    );
    expect(named.filter((script) => !scripts.includes(script))).toEqual([]);
  });

  it('names verbs and flags that exist', () => {
    const wrong = commandsIn(text).flatMap(({ verb, flags }) => {
      const command = program.commands.find((candidate) => candidate.name() === verb);
      return command ? flags.filter((flag) => !knows(command, flag)).map((flag) => `${verb} ${flag}`) : [verb];
    });
    expect(wrong).toEqual([]);
  });
});

/** `thimble VERB … --flag …` in code spans and code blocks, up to a pipe, a comment or the next command. */
function commandsIn(text: string): { verb: string; flags: string[] }[] {
  const joined = text.replace(/\\\n\s*/g, ' ');
  return [...joined.matchAll(/(?:^|[`\s])thimble ([a-z][a-z-]*)([^`\n#|]*)/gm)]
    .filter(([whole]) => /`|^\s|^thimble|npx thimble/m.test(whole))
    .map(([, verb, rest]) => ({ verb: verb!, flags: rest!.match(/(?<=\s)--?[a-z][a-z-]*/g) ?? [] }));
}

const knows = (command: Command, flag: string): boolean =>
  [...command.options, ...program.options].some(({ short, long }) => flag === short || flag === long);

it('finds the commands in the documents', () => {
  const readme = commandsIn(textOf('README.md')).map(({ verb }) => verb);
  for (const verb of ['deploy', 'compress', 'emit', 'verify']) expect(readme).toContain(verb);
});
