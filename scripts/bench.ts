/**
 * Measures on this computer and prints one table per bench: all figures of docs/benchmarks.md.
 *
 *   npm run bench                    all of them
 *   npx tsx scripts/bench.ts NAME    one: interpreter, emitted-c, other-networks, packed-weights, virtual-pico
 */
import { benchEmittedC } from './bench/emitted-c.js';
import { benchInterpreter } from './bench/interpreter.js';
import { benchOtherNetworks } from './bench/other-networks.js';
import { benchPackedWeights } from './bench/packed-weights.js';
import type { Row } from './bench/row.js';
import { benchVirtualPico } from './bench/virtual-pico.js';

interface Bench {
  readonly title: string;
  readonly notes?: string; // printed below the table
  readonly run: () => readonly Row[] | Promise<readonly Row[]>; // a bench that lacks its input says so in a row
}

const benches: Readonly<Record<string, Bench>> = {
  interpreter: { title: 'Reference interpreter, whole networks, one thread', run: benchInterpreter },
  'emitted-c': {
    title: 'Emitted C on emulated cores: instructions of one inference (the worst of all inputs), bytes',
    notes: `Instructions compare code on one core; they are no time. "model": the arrays of weights and tables; for TFLM the .tflite.
* quoted, not measured here: gcc 12.2, kernels -O2, runtime -Os, int8-only registration, smallest arena that works.`,
    run: benchEmittedC,
  },
  'other-networks': {
    title: 'Emitted C of other shapes of networks: instructions of one inference, bytes (balanced)',
    notes: 'Weights of a seeded generator: shapes and products are those of the real networks, outputs mean nothing.',
    run: benchOtherNetworks,
  },
  'packed-weights': {
    title:
      'Emitted C of the keyword spotter with zeros and few values in its weights, bytes and instructions of one inference',
    notes: 'The weights are changed by a rule and not trained: this is about code, not about accuracy.',
    run: benchPackedWeights,
  },
  'virtual-pico': {
    title: 'Firmware on the virtual Raspberry Pi Pico, one inference, 125 MHz',
    notes: 'Cycles of a table, without waits of the flash cache: a lower bound of the real board.',
    run: benchVirtualPico,
  },
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
  console.error(`no bench "${unknown.join('", "')}"; there is ${Object.keys(benches).join(', ')}`);
  process.exit(2);
}
console.log(`Node ${process.versions.node}, ${process.platform} ${process.arch}`);
for (const name of wanted.length > 0 ? wanted : Object.keys(benches)) {
  const { title, notes, run } = benches[name]!;
  console.log(`\n${name}: ${title}`);
  console.table(await run());
  if (notes !== undefined) console.log(notes);
}
