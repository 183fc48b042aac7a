/** Numbers and arrays as C99 and C++11 text that says exactly the value meant. */
import type { CArray } from '../../ops/op.js';

const LINE_COLUMNS = 118;

/** A float literal that reads back as the same float32: 9 significant digits always do. */
export function floatLiteral(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError(`${value} has no C literal`); // importers refuse it by name
  const float = Math.fround(value);
  if (Object.is(float, -0)) return '-0.0f';
  for (let digits = 1; digits <= 9; digits++) {
    const text = float.toPrecision(digits);
    if (Math.fround(Number(text)) === float) return `${/[.e]/.test(text) ? text : `${text}.0`}f`;
  }
  return `${float.toPrecision(9)}f`;
}

/** −2^31 has no literal of its own in C: minus applied to 2^31, which is no int. */
export const intLiteral = (value: number): string => (value === -(2 ** 31) ? '(-2147483647 - 1)' : String(value));

const literalOf = (type: CArray['type']): ((value: number) => string) =>
  type === 'float'
    ? floatLiteral
    : type === 'int64_t'
      ? (value) => `${value}LL`
      : type.startsWith('u')
        ? (value) => `${value}u`
        : intLiteral;

/** `{ … }` in lines; an empty array becomes one zero, for C has no empty ones. */
export function initializer(type: CArray['type'], values: ArrayLike<number>): string {
  const literal = literalOf(type);
  const lines: string[] = [];
  let line = '';
  for (const value of Array.from(values.length === 0 ? [0] : (values as ArrayLike<number>))) {
    const text = literal(value);
    if (line.length + text.length + 2 > LINE_COLUMNS - 4) {
      lines.push(line);
      line = '';
    }
    line += `${line === '' ? '' : ' '}${text},`;
  }
  lines.push(line);
  return `{\n${lines.map((each) => `    ${each}`).join('\n')}\n}`;
}

/** A file-local constant, in program memory on AVR. */
export function constantArray({ name, type, values }: CArray, placement: string): string {
  const count = Math.max(values.length, 1);
  return `static const ${type} ${name}[${count}] ${placement} = ${initializer(type, values)};`;
}
