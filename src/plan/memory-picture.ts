/** The arena over time, as text: one line per block, offsets downwards, nodes to the right. */
import type { ArenaBlock, MemoryPlan } from './plan-memory.js';

const NAME_COLUMNS = 28;
const TIME_COLUMNS = 44;

/**
 * At most 96 columns wide. A column is a node, or several where the graph has more than 44; █ = holds a value,
 * ▒ = scratch of one node, ▲ = the node where most is alive.
 */
export function memoryPicture(plan: MemoryPlan): string {
  const steps = Math.max(plan.stepCount, 1);
  const perColumn = Math.ceil(steps / TIME_COLUMNS);
  const columns = Math.ceil(steps / perColumn);
  const blocks = plan.blocks.toSorted((a, b) => a.offset - b.offset || a.firstStep - b.firstStep);
  const lines = blocks.map(
    (block) =>
      `${count(block.offset)}${count(block.bytes)}  ${fitName(blockName(block))}  ${bar(block, columns, perColumn)}`,
  );
  const scale = perColumn === 1 ? 'one column per node' : `one column per ${perColumn} nodes`;
  const indent = ' '.repeat(2 * 9 + 2);
  const peak = plan.peak && [
    `${indent}${' '.repeat(NAME_COLUMNS)}  ${' '.repeat(Math.floor(plan.peak.step / perColumn))}▲`,
    `peak at node ${plan.peak.step} "${fitName(plan.peak.node).trimEnd()}" (${plan.peak.op})`,
  ];
  return [
    `arena ${plan.arenaBytes.toLocaleString('en-US')} B, lower bound ${plan.lowerBoundBytes.toLocaleString('en-US')} B, ` +
      `${plan.inPlace.length} of ${plan.stepCount} nodes in place`,
    `   offset    bytes  ${'tensors'.padEnd(NAME_COLUMNS)}  ${scale}`,
    ...lines,
    ...(peak ?? []),
  ].join('\n');
}

const count = (value: number): string => value.toLocaleString('en-US').padStart(9);

function blockName({ tensors, scratchOf }: ArenaBlock): string {
  if (scratchOf !== undefined) return `scratch of ${scratchOf}`;
  const [first = '', ...others] = tensors;
  return others.length === 0 ? first : `${first} (+${others.length} in place)`;
}

/** A name in exactly NAME_COLUMNS characters: converters' names are long paths whose end tells most. */
const fitName = (name: string): string =>
  name.length > NAME_COLUMNS ? `…${name.slice(1 - NAME_COLUMNS)}` : name.padEnd(NAME_COLUMNS);

function bar(block: ArenaBlock, columns: number, perColumn: number): string {
  const mark = block.scratchOf === undefined ? '█' : '▒';
  let text = '';
  for (let column = 0; column < columns; column++) {
    const alive = block.firstStep < (column + 1) * perColumn && block.lastStep >= column * perColumn;
    // An input that no node reads lives before the first node only: shown in the first column.
    text += alive || (column === 0 && block.lastStep < 0) ? mark : '·';
  }
  return text;
}
