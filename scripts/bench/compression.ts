/**
 * Measures what compression costs and keeps, with training: hours rather than minutes. Every unit of a stage is
 * computed once and kept in build/bench-compression; stopped with Ctrl-C, the next run goes on there.
 *
 *   npm run bench:compression                 all stages
 *   npm run bench:compression -- NAME…        these
 *   npm run bench:compression -- --list       what there is
 */
import { stages } from './compression/index.js';
import { resultsFolder, unitsOf } from './compression/stage.js';

const wanted = process.argv.slice(2);
if (wanted.includes('--list')) {
  for (const { name, title } of stages) console.log(`${name.padEnd(24)}${title}`);
  process.exit(0);
}
const unknown = wanted.filter((name) => !stages.some((stage) => stage.name === name));
if (unknown.length > 0) {
  console.error(`no stage "${unknown.join('", "')}"; there is ${stages.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
console.log(`Node ${process.versions.node}, ${process.platform} ${process.arch}; results are kept in ${resultsFolder}`);
for (const stage of stages) {
  if (wanted.length > 0 && !wanted.includes(stage.name)) continue;
  const rows = await stage.run(unitsOf(stage.name, (line) => console.error(line)));
  console.log(`\n${stage.name}: ${stage.title}`);
  console.table(rows);
  if (stage.notes !== undefined) console.log(stage.notes);
}
