/** The .tflite file as a C array, for firmware that runs it with TensorFlow Lite Micro's interpreter. */
import type { EmittedFile } from '../core/emitted-file.js';
import { type Graph, isConstant } from '../core/graph.js';
import { planMemory } from '../plan/plan-memory.js';
import { checkCName } from './c-model/c-name.js';

const BYTES_PER_LINE = 20;

// What TFLite Micro keeps in its arena beside the tensors, rounded up from its smallest working arenas of three models
// (hello_world 1,168 B, DS-CNN keyword spotting 22,832 B, ResNet-8 55,008 B) on a Cortex-M4.
const INTERPRETER_BYTES = 1024;
const BYTES_PER_NODE = 128;
const BYTES_PER_TENSOR = 16;
const BYTES_PER_CHANNEL = 8; // multiplier and shift of per-channel layers

/**
 * model_data.h and model_data.c: the file 16-byte aligned with its length, the operators that a resolver needs, and an
 * arena size to start from.
 * @param name first part of every symbol and macro
 * @throws ThimbleError E_USAGE for a name that is no lower-case C identifier
 */
export function emitCArray(tfliteBytes: Uint8Array, graph: Graph, name: string): readonly EmittedFile[] {
  checkCName(name);
  return [
    { path: 'model_data.h', content: header(tfliteBytes.length, graph, name) },
    { path: 'model_data.c', content: source(tfliteBytes, name) },
  ];
}

/** TFLM's name of an op: conv_2d → Conv2D, as in MicroMutableOpResolver::AddConv2D(). */
const resolverName = (op: string): string =>
  op
    .split('_')
    .map((word) => (word === '2d' ? '2D' : word.charAt(0).toUpperCase() + word.slice(1)))
    .join('');

function arenaEstimate(graph: Graph): number {
  const tensors = [...graph.tensors.values()];
  const channels = tensors.reduce(
    (sum, tensor) => sum + (isConstant(tensor) ? (tensor.quant?.scale.length ?? 0) : 0),
    0,
  );
  const bookkeeping =
    INTERPRETER_BYTES +
    graph.nodes.length * BYTES_PER_NODE +
    tensors.filter((tensor) => !isConstant(tensor)).length * BYTES_PER_TENSOR +
    channels * BYTES_PER_CHANNEL;
  return Math.ceil((planMemory(graph, { inPlace: false }).arenaBytes + bookkeeping) / 16) * 16;
}

function header(bytes: number, graph: Graph, name: string): string {
  const upper = name.toUpperCase();
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
 * Where to start: an ESTIMATE from the tensors that live at once plus what the interpreter is known to keep per node,
 * tensor and channel. Lower it to what interpreter.arena_used_bytes() says, with a margin; raise it where
 * AllocateTensors() fails.
 */
#define ${upper}_TFLM_ARENA_BYTES ${arenaEstimate(graph)}

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
