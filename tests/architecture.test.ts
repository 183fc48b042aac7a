/** The floors of the house: imports point down only, modules on one floor do not import each other. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectFolder } from './shared-folder.js';

const floors: readonly (readonly string[])[] = [
  ['core'],
  ['ops', 'files', 'tools'],
  ['importers', 'datasets', 'boards', 'device'],
  ['passes', 'plan', 'interpret', 'dsp', 'firmware', 'flash', 'virtual'],
  ['quantize', 'emit', 'engines'],
  ['train', 'evaluate'],
  ['pipeline'],
  ['dashboard', 'index.ts'],
  ['cli', 'cli.ts'],
];
const pure = ['core', 'ops', 'importers', 'passes', 'plan', 'interpret', 'dsp', 'quantize', 'emit'];

const source = join(projectFolder, 'src');
const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const moduleOf = (file: string) => file.split('/')[0]!;
const floorOf = (module: string) => floors.findIndex((floor) => floor.includes(module));

interface Import {
  readonly from: string;
  readonly to: string;
}
const importsOf = (file: string): string[] =>
  [...readFileSync(join(source, file), 'utf8').matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(
    (match) => match[1]!,
  );
const internal: Import[] = files.flatMap((from) =>
  importsOf(from)
    .filter((path) => path.startsWith('.'))
    .map((path) => ({ from, to: relative(source, join(source, dirname(from), path)) })),
);

describe('the floors', () => {
  it('has a place for every module', () => {
    const modules = [...new Set(files.map(moduleOf))];
    expect(modules.filter((module) => floorOf(module) < 0)).toEqual([]);
    expect(modules.length).toBeGreaterThan(5);
  });

  it('only imports from floors below', () => {
    const wrong = internal.filter(({ from, to }) => {
      const [a, b] = [moduleOf(from), moduleOf(to).replace(/\.js$/, '.ts')];
      if (a === b || (a === 'cli.ts' && b === 'cli')) return false;
      return floorOf(b) >= floorOf(a);
    });
    expect(wrong).toEqual([]);
  });

  it('keeps files, clocks and chance out of the pure side', () => {
    const wrong = files
      .filter((file) => pure.includes(moduleOf(file)))
      .filter((file) => {
        const text = readFileSync(join(source, file), 'utf8');
        return (
          importsOf(file).some((path) => path.startsWith('node:')) ||
          /Math\.random|Date\.now|new Date\(\)|\bprocess\.(?:env|cwd|argv|hrtime|platform|std)/.test(text)
        );
      });
    expect(wrong).toEqual([]);
  });

  it('prints from the command line only', () => {
    const wrong = files
      .filter((file) => !['cli', 'cli.ts'].includes(moduleOf(file)))
      .filter((file) =>
        /console\.|process\.std(out|err)\.write|process\.exit\b/.test(readFileSync(join(source, file), 'utf8')),
      );
    expect(wrong).toEqual([]);
  });

  it('keeps files small enough to read', () => {
    const long = files
      .map((file) => ({ file, lines: readFileSync(join(source, file), 'utf8').split('\n').length }))
      .filter(({ lines }) => lines > 400);
    expect(long).toEqual([]);
  });

  it('has every verb in the list', () => {
    const folder = join(source, 'cli', 'verbs');
    const index = readFileSync(join(folder, 'index.ts'), 'utf8');
    const verbs = readdirSync(folder).filter((file) => statSync(join(folder, file)).isFile() && file !== 'index.ts');
    expect(verbs.filter((file) => !index.includes(`./${file.replace(/\.ts$/, '.js')}`))).toEqual([]);
  });
});
