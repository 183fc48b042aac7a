import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BoardSpec } from '../../../src/core/board-spec.js';
import { type Graph, isConstant, tensorOf } from '../../../src/core/graph.js';
import { byteCount } from '../../../src/core/tensor.js';
import { checkFit } from '../../../src/plan/check-fit.js';
import { memoryPicture } from '../../../src/plan/memory-picture.js';
import { planMemory } from '../../../src/plan/plan-memory.js';
import { add, graphOf, graphs, int8, maxPool, relu } from './graph-of-ops.js';

const chain = graphOf(
  [int8('in', 8, 8, 4), int8('a', 8, 8, 4), int8('b', 4, 4, 4), int8('c', 4, 4, 4)],
  [relu('in', 'a'), maxPool('a', 'b'), relu('b', 'c')],
  ['in'],
  ['c'],
);

describe('planMemory', () => {
  it('writes over what nobody reads any more, inputs included', () => {
    const plan = planMemory(chain);
    expect(plan.inPlace.map(({ input, output }) => `${input}>${output}`)).toEqual(['in>a', 'b>c']);
    expect(plan).toMatchObject({ arenaBytes: 256 + 64, lowerBoundBytes: 256 + 64 });
    expect(plan.peak).toMatchObject({ node: 'make_b', op: 'max_pool_2d' });
  });

  it('gives every output its own memory where it is told to', () => {
    const plan = planMemory(chain, { inPlace: false });
    expect(plan).toMatchObject({ arenaBytes: 512, inPlace: [] });
  });

  it('keeps what is read again later', () => {
    const graph = graphOf(
      [int8('in', 4), int8('a', 4), int8('b', 4)],
      [relu('in', 'a'), add('in', 'a', 'b')],
      ['in'],
      ['b'],
    );
    const plan = planMemory(graph);
    expect(plan.inPlace.map(({ output }) => output)).toEqual(['b']);
    expect(plan.offsets.get('in')).not.toBe(plan.offsets.get('a'));
  });

  it('never writes over an output of the model', () => {
    const plan = planMemory(
      graphOf([int8('in', 4), int8('a', 4), int8('b', 4)], [relu('in', 'a'), relu('a', 'b')], ['in'], ['a', 'b']),
    );
    expect(plan.offsets.get('a')).not.toBe(plan.offsets.get('b'));
  });

  it('counts inputs from before the first node, also those that no node reads', () => {
    const plan = planMemory(
      graphOf([int8('in', 8), int8('unused', 8), int8('a', 8)], [relu('in', 'a')], ['in', 'unused'], ['a']),
    );
    expect(plan.offsets.get('in')).not.toBe(plan.offsets.get('unused'));
    expect(plan.arenaBytes).toBe(16);
  });

  it('lets values live undisturbed in any graph of relu, add and pooling', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const plan = planMemory(graph);
        expect(plan.arenaBytes).toBeGreaterThanOrEqual(plan.lowerBoundBytes);
        expect(disturbances(graph)).toEqual([]);
        expect(planMemory(graph)).toEqual(plan);
      }),
      { numRuns: 300, seed: 4 },
    );
  });
});

/** Plays the plan: every byte remembers whose it is, and every read must find its own. */
function disturbances(graph: Graph): string[] {
  const plan = planMemory(graph);
  const owner = new Array<string>(plan.arenaBytes).fill('');
  const faults: string[] = [];
  const bytes = (name: string): number => byteCount(tensorOf(graph, name));
  const write = (name: string): void => {
    owner.fill(name, plan.offsets.get(name)!, plan.offsets.get(name)! + bytes(name));
  };
  const read = (name: string, by: string): void => {
    if (isConstant(tensorOf(graph, name))) return;
    const offset = plan.offsets.get(name)!;
    const other = owner.slice(offset, offset + bytes(name)).find((each) => each !== name);
    if (other !== undefined) faults.push(`${by} reads "${name}" but finds "${other}"`);
  };
  for (const name of graph.inputs) write(name);
  for (const node of graph.nodes) {
    for (const input of node.inputs) if (input !== null) read(input, node.name);
    const mayTouch = plan.inPlace.find((pair) => pair.node === node.name)?.input;
    for (const name of node.outputs) write(name);
    for (const input of node.inputs)
      if (input !== null && input !== mayTouch) read(input, `${node.name}, while it writes,`);
  }
  for (const name of graph.outputs) read(name, 'the caller');
  return faults;
}

describe('memoryPicture', () => {
  it('shows who lives where and when', () => {
    expect(memoryPicture(planMemory(chain)).split('\n')).toEqual([
      'arena 320 B, lower bound 320 B, 2 of 3 nodes in place',
      '   offset    bytes  tensors                       one column per node',
      '        0      256  in (+1 in place)              ██·',
      '      256       64  b (+1 in place)               ·██',
      '                                                   ▲',
      'peak at node 1 "make_b" (max_pool_2d)',
    ]);
  });
  it('stays within 100 columns for long names and long graphs', () => {
    const names = Array.from({ length: 151 }, (_, i) => `${'very_long_name/'.repeat(6)}${i}`);
    const graph = graphOf(
      names.map((name) => int8(name, 4)),
      names.slice(1).map((name, i) => relu(names[i]!, name)),
      [names[0]!],
      [names.at(-1)!],
    );
    const lines = memoryPicture(planMemory(graph)).split('\n').slice(0, -1); // the last names the peak in full
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(lines[1]).toContain('one column per 4 nodes');
  });
});

describe('checkFit', () => {
  const board = (ramBytes: number, flashBytes: number): BoardSpec =>
    ({ id: 'tiny', ramBytes, flashBytes, reserved: { ramBytes: 100, flashBytes: 1000, stackBytes: 50 } }) as BoardSpec;
  const plan = planMemory(chain);

  it('counts arena and stack against what the board leaves', () => {
    expect(checkFit(plan, 500, board(470, 1500))).toEqual({
      ramBytes: 370,
      ramLimitBytes: 370,
      flashBytes: 500,
      flashLimitBytes: 500,
    });
  });
  it('says by how much and where', () => {
    expect(() => checkFit(plan, 500, board(469, 1500))).toThrow(
      expect.objectContaining({
        code: 'E_DOES_NOT_FIT',
        message: 'model needs 370 B of RAM (arena 320 B + stack 50 B); board "tiny" leaves 369 B',
        where: 'at node "make_b" (max_pool_2d), where the arena peaks',
      }),
    );
    expect(() => checkFit(plan, 501, board(470, 1500))).toThrow(expect.objectContaining({ code: 'E_DOES_NOT_FIT' }));
  });
});
