/**
 * A model small enough to compute by hand, in the shape that the emitter gives one: 8 int8 in, 4 out. Layer 0 adds 1
 * and saturates, in place (so that a stale input shows); layer 1 halves the sum of neighbours towards minus infinity.
 */
import type { EmittedFile } from '../../../src/core/emitted-file.js';
import type { Graph } from '../../../src/core/graph.js';

export const tinySha256 = 'a5'.repeat(32);

const quant = { scale: [0.5], zeroPoint: [-1], axis: null } as const;
const tensor = (name: string, shape: number[]) => [name, { name, shape, dtype: 'int8', quant }] as const;

export const tinyGraph: Graph = {
  name: 'tiny',
  tensors: new Map([tensor('in', [1, 8]), tensor('middle', [1, 8]), tensor('out', [1, 4])]),
  nodes: [
    { name: 'plus_one', op: 'test', inputs: ['in'], outputs: ['middle'], attrs: {} },
    { name: 'pairs', op: 'test', inputs: ['middle'], outputs: ['out'], attrs: {} },
  ],
  inputs: ['in'],
  outputs: ['out'],
  metadata: { labels: ['a', 'b', 'c', 'd'], recipe: { name: 'test', sha256: 'cafe' } },
};

export const tinyMiddle = (input: Int8Array): Int8Array => input.map((x) => Math.min(x + 1, 127));
export const tinyOutput = (input: Int8Array): Int8Array => {
  const middle = tinyMiddle(input);
  return Int8Array.from({ length: 4 }, (_, i) => (middle[2 * i]! + middle[2 * i + 1]!) >> 1);
};

const header = `#ifndef TINY_H
#define TINY_H
#include <stdint.h>
#define TINY_MODEL_SHA256 "${tinySha256}"
#define TINY_LAYER_COUNT 2
#define TINY_ARENA_BYTES 16
#define TINY_INPUT_BYTES 8
#define TINY_OUTPUT_BYTES 4
#define TINY_OUTPUT_SCALE 0.5f
#define TINY_OUTPUT_ZERO_POINT (-1)
int8_t *tiny_input(void);
void tiny_invoke(void);
const int8_t *tiny_output(void);
void tiny_reset(void);
#ifdef TINY_LAYER_HOOK
void TINY_LAYER_HOOK(int layer, const int8_t *out, int32_t bytes);
#else
#define TINY_LAYER_HOOK(layer, out, bytes)
#endif
#endif
`;

/** @param spin turns of an empty loop in each invoke, for a run that takes a known time */
const source = (spin: number) => `#include "tiny.h"
static int8_t arena[TINY_ARENA_BYTES];
int8_t *tiny_input(void) { return arena; }
const int8_t *tiny_output(void) { return arena + 8; }
void tiny_reset(void) {}
void tiny_invoke(void)
{
    for (volatile int32_t turn = 0; turn < ${spin}; turn++) {
    }
    for (int i = 0; i < 8; i++)
        arena[i] = (int8_t)(arena[i] == 127 ? 127 : arena[i] + 1);
    TINY_LAYER_HOOK(0, arena, 8);
    for (int i = 0; i < 4; i++)
        arena[8 + i] = (int8_t)((arena[2 * i] + arena[2 * i + 1]) >> 1);
    TINY_LAYER_HOOK(1, arena + 8, 4);
}
`;

export const tinyFiles = (spin = 0): readonly EmittedFile[] => [
  { path: 'tiny.h', content: header },
  { path: 'tiny.c', content: source(spin) },
];
