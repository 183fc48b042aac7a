/**
 * What arduino-cli does to compile a sketch with a library, for the AVR core that Debian packages: properties of board and
 * platform, and the recipes in which they are filled in. No prototypes are generated, as a tidy sketch needs none.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const core = '/usr/share/arduino/hardware/arduino/avr';
const [verb, ...rest] = process.argv.slice(2);
const option = (name) => rest[rest.indexOf(name) + 1];
if (verb !== 'compile') throw new Error(`this stand-in only compiles, not: ${verb}`);
const [vendor, architecture, id, menu] = option('--fqbn').split(':');
if (`${vendor}:${architecture}` !== 'arduino:avr') throw new Error(`no core ${vendor}:${architecture} is installed`);
const sketch = rest.at(-1);
const name = `${basename(sketch)}.ino`;

const readProperties = (file) =>
  readFileSync(join(core, file), 'utf8')
    .split('\n')
    .map((line) => /^([^#=]+)=(.*)$/.exec(line.trim()))
    .filter(Boolean)
    .map(([, key, value]) => [key, value]);
const boardFile = readProperties('boards.txt');
const choices = (menu ?? '')
  .split(',')
  .filter(Boolean)
  .map((choice) => `menu.${choice.replace('=', '.')}.`);
const under = (prefix) =>
  boardFile.filter(([key]) => key.startsWith(prefix)).map(([key, value]) => [key.slice(prefix.length), value]);
const build = mkdtempSync(join(tmpdir(), 'thimble-sketch-'));
const properties = Object.fromEntries([
  ...readProperties('platform.txt'),
  ...under(`${id}.`),
  ...choices.flatMap((choice) => under(`${id}.${choice}`)),
  ['build.arch', 'AVR'],
  ['runtime.ide.version', '10819'],
  ['build.path', build],
  ['build.project_name', name],
  // avr-libc's own definition is one that g++ 5 no longer takes.
  ['compiler.cpp.extra_flags', '-DDECIMAL_DIG=__DECIMAL_DIG__'],
]);

const library = option('--library');
const folders = [join(core, 'cores', properties['build.core']), join(core, 'variants', properties['build.variant'])];
const includes = [...folders, join(library, 'src')].map((folder) => `"-I${folder}"`).join(' ');

/** A recipe as an argument list: names in braces, some of them nested, then words as a shell would split them. */
function argumentsOf(recipe, values) {
  let line = properties[recipe];
  for (let depth = 0; depth < 8; depth++)
    line = line.replace(/\{([\w.]+)\}/g, (_, key) => ({ ...properties, ...values })[key] ?? '');
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? match[3]);
}
const run = async (recipe, values) => {
  const [program, ...args] = argumentsOf(recipe, values);
  const { stderr } = await promisify(execFile)(
    program,
    args.filter((arg) => arg !== ''),
    { cwd: process.cwd() },
  );
  process.stderr.write(stderr);
};

const sourcesIn = (folder) =>
  readdirSync(folder, { recursive: true })
    .filter((file) => /\.(c|cpp|S)$/.test(file))
    .map((file) => join(folder, file));

let made = 0;
async function compile(source) {
  const object = join(build, `${made++}-${basename(source)}.o`);
  const recipe = `recipe.${/\.(\w+)$/.exec(source)[1]}.o.pattern`;
  await run(recipe, { source_file: source, object_file: object, includes });
  return object;
}
/** Two at a time. */
async function compileAll(sources) {
  const waiting = [...sources];
  const objects = [];
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) objects.push(await compile(next));
  };
  await Promise.all([worker(), worker()]);
  return objects.sort();
}

try {
  const sketchFile = join(build, `${name}.cpp`);
  writeFileSync(sketchFile, `#include <Arduino.h>\n#line 1 "${name}"\n${readFileSync(join(sketch, name), 'utf8')}`);
  const own = await compileAll([sketchFile, ...sourcesIn(join(library, 'src'))]);
  for (const object of await compileAll(folders.flatMap(sourcesIn)))
    await run('recipe.ar.pattern', {
      archive_file_path: join(build, 'core.a'),
      archive_file: 'core.a',
      object_file: object,
    });
  await run('recipe.c.combine.pattern', {
    object_files: own.map((object) => `"${object}"`).join(' '),
    archive_file: 'core.a',
    archive_file_path: join(build, 'core.a'),
  });
  await run('recipe.objcopy.hex.pattern', {});
  const output = option('--output-dir');
  mkdirSync(output, { recursive: true });
  for (const ending of ['elf', 'hex'])
    writeFileSync(join(output, `${name}.${ending}`), readFileSync(join(build, `${name}.${ending}`)));
} finally {
  rmSync(build, { recursive: true, force: true });
}
