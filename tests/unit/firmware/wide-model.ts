/** A model of any input size whose outputs tell every input byte: output i is the sum of the inputs i, i + count, … */
import type { EmittedFile } from '../../../src/core/emitted-file.js';
import type { Graph } from '../../../src/core/graph.js';

export interface WideModel {
  readonly graph: Graph;
  readonly files: readonly EmittedFile[];
  output(input: Uint8Array): Uint8Array;
}

/** @param spin turns of an empty loop in each invoke */
export function wideModel(inputBytes: number, outputBytes: number, spin = 0): WideModel {
  const quant = { scale: [0.5], zeroPoint: [0], axis: null } as const;
  const tensor = (name: string, size: number) => [name, { name, shape: [1, size], dtype: 'int8', quant }] as const;
  const header = `#ifndef WIDE_H
#define WIDE_H
#include <stdint.h>
#define WIDE_MODEL_SHA256 "${'5a'.repeat(32)}"
#define WIDE_LAYER_COUNT 1
#define WIDE_ARENA_BYTES ${inputBytes + outputBytes}
#define WIDE_OUTPUT_SCALE 0.5f
#define WIDE_OUTPUT_ZERO_POINT 0
int8_t *wide_input(void);
void wide_invoke(void);
const int8_t *wide_output(void);
#ifdef WIDE_LAYER_HOOK
void WIDE_LAYER_HOOK(int layer, const int8_t *out, int32_t bytes);
#else
#define WIDE_LAYER_HOOK(layer, out, bytes)
#endif
#endif
`;
  const source = `#include "wide.h"
static int8_t arena[WIDE_ARENA_BYTES];
int8_t *wide_input(void) { return arena; }
const int8_t *wide_output(void) { return arena + ${inputBytes}; }
void wide_invoke(void)
{
    for (volatile int32_t turn = 0; turn < ${spin}; turn++) {
    }
    for (int32_t i = 0; i < ${outputBytes}; i++) {
        uint8_t sum = 0;
        for (int32_t k = i; k < ${inputBytes}; k += ${outputBytes})
            sum = (uint8_t)(sum + (uint8_t)arena[k]);
        arena[${inputBytes} + i] = (int8_t)sum;
    }
    WIDE_LAYER_HOOK(0, arena + ${inputBytes}, ${outputBytes});
}
`;
  return {
    graph: {
      name: 'wide',
      tensors: new Map([tensor('in', inputBytes), tensor('out', outputBytes)]),
      nodes: [{ name: 'sums', op: 'test', inputs: ['in'], outputs: ['out'], attrs: {} }],
      inputs: ['in'],
      outputs: ['out'],
    },
    files: [
      { path: 'wide.h', content: header },
      { path: 'wide.c', content: source },
    ],
    output: (input) => {
      const sums = new Uint8Array(outputBytes);
      input.forEach((byte, k) => {
        sums[k % outputBytes]! += byte;
      });
      return sums;
    },
  };
}
