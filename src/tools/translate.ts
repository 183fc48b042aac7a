/** From a tool's output to the sentence that helps. Pure: the tables are in tool-errors/. */
import { toolErrors } from './tool-errors/index.js';
import type { ToolPattern, Translation } from './tool-pattern.js';

/** Tools print progress bars and colours between their words. */
const CONTROL_SEQUENCES = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*[A-Za-z]`, 'g');
/** What a runaway tool says beyond this is not searched: patterns must stay quick. */
const MAX_CHARACTERS = 200_000;

/** Programs that call compilers and flashers themselves, and pass on what those say. */
const DRIVERS = new Set(['arduino-cli', 'cmake', 'idf.py', 'make', 'pio', 'west']);

/**
 * @param program as it was called, a path and '.exe' allowed
 * @returns undefined where no pattern knows the output
 */
export function translate(program: string, output: string): Translation | undefined {
  const name = program.replace(/^.*[\\/]/, '').replace(/\.exe$/i, '');
  if (DRIVERS.has(name)) return translateAny(output);
  const table = toolErrors.find(({ programs }) => programs.some((each) => isCalled(name, each)));
  return table && firstMatch(table.patterns, output);
}

/** For output of which nobody knows what wrote it, as pasted by a person. Tools that it sounds like come first. */
export function translateAny(output: string): Translation | undefined {
  const likely = toolErrors.filter(({ speaksAs }) => speaksAs.test(output));
  for (const { patterns } of [...likely, ...toolErrors]) {
    const found = firstMatch(patterns, output);
    if (found) return found;
  }
  return undefined;
}

/** 'arm-none-eabi-gcc' is a gcc, 'esptool.py' an esptool. */
const isCalled = (name: string, known: string): boolean =>
  name === known || name.endsWith(`-${known}`) || name.startsWith(`${known}.`);

function firstMatch(patterns: readonly ToolPattern[], output: string): Translation | undefined {
  const text = output.slice(-MAX_CHARACTERS).replace(CONTROL_SEQUENCES, '');
  for (const { id, match, code, what, why, next, retrySlower } of patterns) {
    const found = match.exec(text);
    if (!found) continue;
    const fill = (sentence: string): string =>
      sentence.replace(/\$(\d)/g, (_, index: string) => (found[Number(index)] ?? '').trim());
    return { id, code, what: fill(what), why: fill(why), next: next.map(fill), retrySlower: retrySlower === true };
  }
  return undefined;
}
