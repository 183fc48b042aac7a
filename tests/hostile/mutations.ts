/** Damage for files: what a fuzzer does to bytes and to JSON, reproducible by fast-check's seed. */
import fc from 'fast-check';

/** One to eight bytes set to anything, with a taste for values that lengths and addresses break on. */
export const byteMutations = (length: number): fc.Arbitrary<readonly (readonly [at: number, value: number])[]> =>
  fc.array(fc.tuple(fc.nat(length - 1), fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255))), {
    minLength: 1,
    maxLength: 8,
  });

export function mutated(bytes: Uint8Array, mutations: readonly (readonly [number, number])[]): Uint8Array {
  const copy = bytes.slice();
  for (const [at, value] of mutations) copy[at] = value;
  return copy;
}

/** What may replace any value of a JSON file. */
const replacements: readonly unknown[] = [
  null, 0, 1, -1, 0.5, 1e9, 1e300, '', 'x', 'relu', 'dense', true, [], {}, [null], [[]], [1, 2, 3, 4, 5], [-1], [1e9, 1e9], [0, 0],
  { class_name: 'Lambda' }, { class_name: 'Sequential' }, '__proto__', 'constructor',
]; // biome-ignore format: a list

/** Puts another value in the place that `choices` leads to; choices are reduced to what each level has. */
export function mutatedJson(json: unknown, choices: readonly number[], replacement: number): unknown {
  const [choice, ...rest] = choices;
  const keys = typeof json === 'object' && json !== null ? Object.keys(json) : [];
  if (choice === undefined || keys.length === 0) return replacements[replacement % replacements.length];
  const key = keys[choice % keys.length]!;
  const changed = mutatedJson((json as Record<string, unknown>)[key], rest, replacement);
  if (Array.isArray(json)) return json.map((item, i) => (String(i) === key ? changed : item));
  return { ...(json as object), [key]: changed };
}
