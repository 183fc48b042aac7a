/** NAME.c: weights, one function per layer, and the calls that the header promises. */
import type { CArray, CState } from '../../ops/op.js';
import { cString, withPrefix } from './c-name.js';
import { constantArray } from './c-values.js';
import type { InterfaceTensor } from './interface-tensor.js';
import { at, indented, type Layer, layerFunction } from './layer.js';
import type { PreprocessCode } from './preprocess.js';

export interface SourceParts {
  readonly name: string;
  readonly kernelFiles: readonly string[]; // emitted names
  readonly inputs: readonly InterfaceTensor[];
  readonly outputs: readonly InterfaceTensor[];
  readonly labels: readonly string[];
  readonly layers: readonly Layer[];
  readonly functions: readonly string[]; // that layers share
  readonly preprocess: PreprocessCode | undefined;
  readonly board: { readonly id: string; readonly ramBytes: number } | undefined;
}

export function sourceText(parts: SourceParts): string {
  const { name, layers, preprocess } = parts;
  const constants = [...layers.flatMap((layer) => layer.constants), ...(preprocess?.constants ?? [])];
  const blocks = [
    `/* ${name}: see ${name}.h. Made by Thimble; changes are lost when the model is emitted again. */`,
    [`#include "${name}.h"`, ...parts.kernelFiles.map((file) => `#include "${file}"`)].join('\n'),
    arena(parts),
    hook(name),
    ...constants.map((constant: CArray) => constantArray(constant, `${name.toUpperCase()}_CONST`)),
    ...states(parts).map(({ name: state, type, count }) => `static ${type} ${state}[${count}];`),
    ...parts.functions,
    ...layers.map((layer) => layerFunction(layer, name)),
    invoke(parts),
    ...getters(parts),
    reset(parts),
    labelArray(parts),
  ];
  if (preprocess)
    blocks.push(`void ${name}_preprocess(const uint8_t *raw)\n{\n${indented(withPrefix(preprocess.body, name))}\n}`);
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

const states = ({ layers }: SourceParts): readonly CState[] => layers.flatMap((layer) => layer.states);

function reset(parts: SourceParts): string {
  const loops = states(parts).map(
    ({ name, count }) => `    for (int32_t i = 0; i < ${count}; i++)\n        ${name}[i] = 0;`,
  );
  return `void ${parts.name}_reset(void)\n{\n${loops.map((loop) => `${loop}\n`).join('')}}`;
}

/** The arena as one object that is aligned for every type in it, without compiler extensions. */
function arena({ name, board }: SourceParts): string {
  const upper = name.toUpperCase();
  const assertion =
    board &&
    `\n\n/* The memory plan against board ${board.id}: ${board.ramBytes.toLocaleString('en-US')} bytes of RAM. */\n` +
      `${upper}_STATIC_ASSERT(${upper}_ARENA_BYTES <= ${board.ramBytes}, ${name}_arena_fits_the_ram_of_the_board);`;
  return `#ifdef ${upper}_ARENA_EXTERN
#define ${upper}_AT(type, offset) ((type *)(void *)(${name}_arena + (offset)))
#else
static union {
    uint8_t bytes[${upper}_ARENA_BYTES];
    int64_t alignment;
} ${name}_memory;
#define ${upper}_AT(type, offset) ((type *)(void *)(${name}_memory.bytes + (offset)))
#endif${assertion ?? ''}`;
}

function hook(name: string): string {
  const upper = name.toUpperCase();
  return `#ifdef ${upper}_LAYER_HOOK
#define ${upper}_AFTER_LAYER(layer, out, bytes) ${upper}_LAYER_HOOK(layer, (const int8_t *)(const void *)(out), bytes)
#else
#define ${upper}_AFTER_LAYER(layer, out, bytes) ((void)0)
#endif`;
}

function invoke({ name, layers }: SourceParts): string {
  const lines = layers.flatMap(({ index, hookTensor, hookBytes }) => [
    `    ${name}_layer${index}();`,
    `    ${name.toUpperCase()}_AFTER_LAYER(${index}, ${hookTensor}, ${hookBytes});`,
  ]);
  return `void ${name}_invoke(void)\n{\n${lines.join('\n')}\n}`;
}

const getters = ({ name, inputs, outputs }: SourceParts): string[] =>
  [...inputs, ...outputs].map(({ direction, suffix, type, offset }) => {
    const returns = direction === 'input' ? type : `const ${type}`;
    return `${returns} *${name}_${direction}${suffix}(void)\n{\n    return ${at(type, offset, name)};\n}`;
  });

function labelArray({ name, labels }: SourceParts): string {
  const count = labels.length === 0 ? '1' : `${name.toUpperCase()}_LABEL_COUNT`;
  const strings = labels.length === 0 ? [''] : labels;
  return `const char *const ${name}_labels[${count}] = {\n${strings.map((label) => `    ${cString(label)},`).join('\n')}\n};`;
}
