/**
 * Measures on this computer and prints one table per bench.
 *
 *   npm run bench                    all of them
 *   npx tsx scripts/bench.ts NAME    one: interpreter
 */
import { benchInterpreter } from './bench/interpreter.js';

/** Columns of a printed table; numbers are shown as they are. */
export type Row = Readonly<Record<string, string | number>>;
interface Bench {
  readonly title: string;
  readonly run: () => readonly Row[]; // a bench that lacks its input says so in a row of its own
}

const benches: Readonly<Record<string, Bench>> = {
  interpreter: { title: 'Reference interpreter, whole networks, one thread', run: benchInterpreter },
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !benches[name]);
if (unknown.length > 0) {
  console.error(`no bench "${unknown.join('", "')}"; there is ${Object.keys(benches).join(', ')}`);
  process.exit(2);
}
console.log(`Node ${process.versions.node}, ${process.platform} ${process.arch}`);
for (const name of wanted.length > 0 ? wanted : Object.keys(benches)) {
  const { title, run } = benches[name]!;
  console.log(`\n${name}: ${title}`);
  console.table(run());
}
