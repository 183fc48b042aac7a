/** The .tflite file as a C array, for firmware that runs it with TensorFlow Lite Micro's interpreter. */
import type { EmittedFile } from '../core/emitted-file.js';
import type { Graph } from '../core/graph.js';
import { checkCName } from './c-model/c-name.js';
import { tflmArena } from './tflm-arena.js';

const BYTES_PER_LINE = 20;

/**
 * model_data.h and model_data.c: the file 16-byte aligned with its length, the operators that a resolver needs, and an
 * arena size to start from.
 * @param name first part of every symbol and macro
 * @param vectors whether the core has MVE, which makes TFLite Micro's arena larger
 * @throws ThimbleError E_USAGE for a name that is no lower-case C identifier
 */
export function emitCArray(
  tfliteBytes: Uint8Array,
  graph: Graph,
  name: string,
  { vectors = false } = {},
): readonly EmittedFile[] {
  checkCName(name);
  return [
    { path: 'model_data.h', content: header(tfliteBytes.length, graph, name, vectors) },
    { path: 'model_data.c', content: source(tfliteBytes, name) },
  ];
}

/** TFLM's name of an op: conv_2d → Conv2D, as in MicroMutableOpResolver::AddConv2D(). */
export const resolverName = (op: string): string =>
  op
    .split('_')
    .map((word) => (word === '2d' ? '2D' : word.charAt(0).toUpperCase() + word.slice(1)))
    .join('');

function header(bytes: number, graph: Graph, name: string, vectors: boolean): string {
  const upper = name.toUpperCase();
  const arena = tflmArena(graph, { vectors });
  const ops = [...new Set(graph.nodes.map(({ op }) => resolverName(op)))].sort();
  return `/*
 * ${name}: a .tflite file as an array, made by Thimble, for TensorFlow Lite Micro.
 *
 *   const tflite::Model *model = tflite::GetModel(${name}_model_data);
 *   tflite::MicroMutableOpResolver<${upper}_TFLM_OP_COUNT> resolver;
 *   ${upper}_TFLM_ADD_OPS(resolver);
 *   alignas(16) static uint8_t arena[${upper}_TFLM_ARENA_BYTES];
 *   tflite::MicroInterpreter interpreter(model, resolver, arena, sizeof arena);
 *
 * On AVR the array is in program memory: read it with pgm_read_byte.
 */
#ifndef ${upper}_MODEL_DATA_H
#define ${upper}_MODEL_DATA_H

#include <stdint.h>

#define ${upper}_MODEL_DATA_BYTES ${bytes}

/* The operators in the model, and no others: ${ops.join(', ')}. */
#define ${upper}_TFLM_OP_COUNT ${ops.length}
#define ${upper}_TFLM_ADD_OPS(resolver) \\
    do { \\
${ops.map((op) => `        (resolver).Add${op}(); \\\n`).join('')}    } while (0)

/*
 * An arena that is large enough, with the reference kernels and CMSIS-NN's: ${arena.planBytes} bytes of tensors and scratch memory as TFLite
 * Micro's own planner lays them out (or ${arena.planningBytes} while it plans, if that is more), and at most ${arena.tailBytes} that it keeps per
 * tensor, node and channel on a 32-bit core. Do not take arena_used_bytes() for it: that leaves out what planning needs
 * for a moment, and an arena of that size may fail. ESP-NN's kernels want more scratch memory.
 */
#define ${upper}_TFLM_ARENA_BYTES ${arena.bytes}

#ifdef __cplusplus
extern "C" {
#endif

extern const uint8_t ${name}_model_data[${upper}_MODEL_DATA_BYTES];
extern const uint32_t ${name}_model_data_bytes;

#ifdef __cplusplus
}
#endif

#endif
`;
}

function source(bytes: Uint8Array, name: string): string {
  const upper = name.toUpperCase();
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += BYTES_PER_LINE)
    lines.push(
      `    ${Array.from(bytes.subarray(at, at + BYTES_PER_LINE), (byte) => `0x${byte.toString(16).padStart(2, '0')},`).join(' ')}`,
    );
  return `#include "model_data.h"

/* A .tflite must start at a multiple of 16. C99 has no word for it. */
#if defined(__AVR__)
#include <avr/pgmspace.h>
#define ${upper}_ALIGN
#define ${upper}_PLACE PROGMEM
#elif defined(__cplusplus)
#define ${upper}_ALIGN alignas(16)
#define ${upper}_PLACE
#elif defined(__GNUC__) || defined(__clang__)
#define ${upper}_ALIGN __attribute__((aligned(16)))
#define ${upper}_PLACE
#else
#define ${upper}_ALIGN _Alignas(16)
#define ${upper}_PLACE
#endif

${upper}_ALIGN const uint8_t ${name}_model_data[${upper}_MODEL_DATA_BYTES] ${upper}_PLACE = {
${lines.join('\n')}
};

const uint32_t ${name}_model_data_bytes = ${upper}_MODEL_DATA_BYTES;
`;
}
