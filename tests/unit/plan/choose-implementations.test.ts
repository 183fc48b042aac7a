import { describe, expect, it, vi } from 'vitest';
import type { Implementation } from '../../../src/ops/op.js';
import { chooseImplementations } from '../../../src/plan/choose-implementations.js';
import { graphOf, int8, maxPool, relu } from './graph-of-ops.js';

/** Candidates by op; the real ones' figures change with every better kernel. */
const offered = new Map<string, readonly Partial<Implementation>[]>();
vi.mock('../../../src/ops/implementation.js', () => ({
  implementationsOf: ({ name }: { name: string }) =>
    (offered.get(name) ?? [{}]).map((each) => ({
      variant: 'plain',
      instructions: 1000,
      codeBytes: 100,
      weightBytes: 0,
      scratchBytes: 0,
      overwrites: [],
      ...each,
    })),
}));

const tensors = ['in', 'a', 'b', 'c', 'd'].map((name) => int8(name, 16, 16, 4)); // 1,024 bytes each
const chain = graphOf(tensors, [relu('in', 'a'), relu('a', 'b'), relu('b', 'c'), relu('c', 'd')], ['in'], ['d']);
const variantsOf = (...options: Parameters<typeof chooseImplementations>) =>
  chooseImplementations(...options).implementations.map(({ variant }) => variant);

describe('chooseImplementations', () => {
  it('takes what is better in everything', () => {
    offered.set('relu', [{}, { variant: 'good', instructions: 500, overwrites: [0] }]);
    for (const optimize of ['speed', 'balanced', 'flash', 'ram'] as const)
      expect(variantsOf(chain, 'generic', { optimize })).toEqual(['good', 'good', 'good', 'good']);
  });

  it('pays flash for speed only where speed is asked for', () => {
    offered.set('relu', [
      { weightBytes: 1000 },
      { variant: 'wide', instructions: 800, weightBytes: 2000 },
      { variant: 'small', instructions: 3000, weightBytes: 700 },
    ]);
    const of = (optimize: 'speed' | 'balanced' | 'flash') => new Set(variantsOf(chain, 'generic', { optimize }));
    expect(of('speed')).toEqual(new Set(['wide']));
    expect(of('balanced')).toEqual(new Set(['plain']));
    expect(of('flash')).toEqual(new Set(['small']));
  });

  it('goes in place in all layers of a chain or in none, since one alone saves nothing', () => {
    offered.set('relu', [{}, { variant: 'ring', instructions: 1030, scratchBytes: 64, overwrites: [0] }]);
    expect(variantsOf(chain, 'generic', { optimize: 'speed' })).toEqual(['ring', 'ring', 'ring', 'ring']);
    expect(chooseImplementations(chain, 'generic').arenaBytes).toBe(1024 + 64);
  });

  it('counts code that layers share once', () => {
    offered.set('relu', [{ codeBytes: 1000 }, { variant: 'other', codeBytes: 600, weightBytes: 300 }]);
    const { implementations, flashBytes } = chooseImplementations(chain, 'generic', { optimize: 'flash' });
    expect(implementations.map(({ variant }) => variant)).toEqual(['plain', 'plain', 'plain', 'plain']);
    expect(flashBytes).toBe(1000);
  });

  it('keeps to a budget where any choice can, at the least price', () => {
    offered.set('relu', [{ weightBytes: 1000 }, { variant: 'small', instructions: 9000, weightBytes: 100 }]);
    const choice = chooseImplementations(chain, 'generic', { optimize: 'speed', maxFlashBytes: 2500 });
    expect(choice.flashBytes).toBeLessThanOrEqual(2500);
    expect(choice.implementations.filter(({ variant }) => variant === 'small')).toHaveLength(2);
    offered.set('relu', [{}, { variant: 'ring', instructions: 90_000, overwrites: [0] }]);
    expect(variantsOf(chain, 'generic', { optimize: 'speed', maxRamBytes: 1500 })).toContain('ring');
  });

  it('plans what follows in place by its own size, so that the rest is free for others', () => {
    offered.set('max_pool_2d', [{ overwrites: [0] }]);
    offered.set('relu', [{}]);
    const graph = graphOf(
      [int8('in', 16, 16, 4), int8('small', 8, 8, 4), int8('out', 8, 8, 4)],
      [maxPool('in', 'small'), relu('small', 'out')],
      ['in'],
      ['out'],
    );
    expect(chooseImplementations(graph, 'generic').arenaBytes).toBe(1024); // not 1,024 + 256
  });
});
