/** NAME.h: what an application includes. */
import type { Core } from '../../core/board-spec.js';
import type { ModelMetadata } from '../../core/graph.js';
import { shapeText } from '../../core/tensor.js';
import { commentText, cString } from './c-name.js';
import { floatLiteral } from './c-values.js';
import type { InterfaceTensor } from './interface-tensor.js';
import { type Layer, layerTable } from './layer.js';

export interface HeaderParts {
  readonly name: string;
  readonly target: Core;
  readonly version: string;
  readonly modelSha256: string;
  readonly modelBytes: number | undefined;
  readonly metadata: ModelMetadata | undefined;
  readonly inputs: readonly InterfaceTensor[];
  readonly outputs: readonly InterfaceTensor[];
  readonly layers: readonly Layer[];
  readonly arenaBytes: number;
  readonly lowerBoundBytes: number;
  readonly stateBytes: number; // beside the arena
  readonly weightBytes: number;
  readonly hasPreprocess: boolean;
}

export function headerText(parts: HeaderParts): string {
  const { name, inputs, outputs } = parts;
  const upper = name.toUpperCase();
  const blocks = [
    introduction(parts),
    `#ifndef ${upper}_H\n#define ${upper}_H\n\n#include <stdint.h>`,
    identityMacros(parts),
    [...inputs, ...outputs].map(tensorMacros).join('\n\n'),
    `#ifdef __cplusplus\nextern "C" {\n#endif`,
    functions(parts),
    labels(parts),
    hookAndArena(parts),
    conversions(parts),
    `#ifdef __cplusplus\n}\n#endif\n\n#endif`,
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function introduction({ name, target, version, inputs, outputs, layers, ...parts }: HeaderParts): string {
  const macs = layers.reduce((sum, layer) => sum + layer.macs, 0);
  const number = (value: number): string => value.toLocaleString('en-US');
  const describe = ({ direction, suffix, type, tensor, bytes }: InterfaceTensor): string =>
    ` *   ${type} *${name}_${direction}${suffix}()  ${shapeText(tensor.shape)}, ${number(bytes)} bytes: "${commentText(tensor.name)}"`;
  return `/*
 * ${name}: a neural network in C without dependencies, made by Thimble ${version} for ${target}.
 *
 *   fill ${name}_input() with ${name.toUpperCase()}_INPUT_BYTES bytes, or call ${name}_quantize_input() with real numbers
 *   ${name}_invoke()          consumes the input: fill it again before EVERY call
 *   read ${name}_output(), or ${name}_dequantize_output() for real numbers; valid until the next fill or invoke
 *
${[...inputs, ...outputs].map(describe).join('\n')}
 *
 * Build: cc -std=c99 -O2 -I FOLDER FOLDER/${name}.c YOURS.c (also as C++11). Options: -D${name.toUpperCase()}_ARENA_EXTERN puts the arena
 * where you define it; -D${name.toUpperCase()}_LAYER_HOOK=f calls f after every layer. Not re-entrant: all calls share one arena.
 *
 * ${number(macs)} MACs, ${number(parts.weightBytes)} bytes of weights, ${number(parts.arenaBytes)} bytes of arena (at least ${number(parts.lowerBoundBytes)} live at once).
 *
${layerTable(layers)}
 */`;
}

function identityMacros(parts: HeaderParts): string {
  const { name, metadata } = parts;
  const macros: (readonly [string, string | number])[] = [
    ['MODEL_SHA256', cString(parts.modelSha256)],
    ...(parts.modelBytes === undefined ? [] : [['MODEL_BYTES', parts.modelBytes] as const]),
    ['RECIPE_NAME', cString(metadata?.recipe?.name ?? '')],
    ['RECIPE_SHA256', cString(metadata?.recipe?.sha256 ?? '')],
    ['TARGET', cString(parts.target)],
    ['THIMBLE_VERSION', cString(parts.version)],
    ['LAYER_COUNT', parts.layers.length],
    ['ARENA_BYTES', parts.arenaBytes],
    ...(parts.stateBytes > 0 ? [['STATE_BYTES', parts.stateBytes] as const] : []),
    ['WEIGHT_BYTES', parts.weightBytes],
    ['LABEL_COUNT', metadata?.labels?.length ?? 0],
    ['INPUT_TENSORS', parts.inputs.length],
    ['OUTPUT_TENSORS', parts.outputs.length],
  ];
  return macros.map(([key, value]) => `#define ${name.toUpperCase()}_${key} ${value}`).join('\n');
}

function tensorMacros({ macro, tensor, bytes, count, conversion }: InterfaceTensor): string {
  const macros: (readonly [string, string | number])[] = [
    ['BYTES', bytes],
    ['COUNT', count],
    ['RANK', tensor.shape.length],
    ...tensor.shape.map((size, axis) => [`DIM_${axis}`, size] as const),
  ];
  if (conversion.kind === 'quantized')
    macros.push(['SCALE', floatLiteral(conversion.scale)], ['ZERO_POINT', String(conversion.zeroPoint)]);
  return macros.map(([key, value]) => `#define ${macro}_${key} ${wrapNegative(value)}`).join('\n');
}

const wrapNegative = (value: string | number): string => {
  const text = String(value);
  return text.startsWith('-') ? `(${text})` : text;
};

function resetText({ stateBytes }: HeaderParts): string {
  if (stateBytes === 0) return '/* forgets what earlier calls left; this model keeps nothing between calls */';
  const bytes = `${stateBytes.toLocaleString('en-US')} bytes`;
  return `/* forgets what earlier calls left, ${bytes}: call it where a new recording begins */`;
}

function functions(parts: HeaderParts): string {
  const { name, inputs, outputs, hasPreprocess } = parts;
  const lines = [
    ...inputs.map(({ type, suffix }) => `${type} *${name}_input${suffix}(void);`),
    ...outputs.map(({ type, suffix }) => `const ${type} *${name}_output${suffix}(void);`),
    `void ${name}_invoke(void);`,
    `void ${name}_reset(void); ${resetText(parts)}`,
  ];
  if (hasPreprocess)
    lines.push(
      `/* ${name.toUpperCase()}_INPUT_COUNT raw sensor bytes to the input, with the scaling that the model was trained with */`,
      `void ${name}_preprocess(const uint8_t *raw);`,
    );
  return lines.join('\n');
}

const labels = ({ name, metadata }: HeaderParts): string =>
  metadata?.labels?.length
    ? `extern const char *const ${name}_labels[${name.toUpperCase()}_LABEL_COUNT]; /* in output order */`
    : `extern const char *const ${name}_labels[1]; /* the model names no classes: one empty string */`;

function hookAndArena({ name }: HeaderParts): string {
  const upper = name.toUpperCase();
  return `#ifdef ${upper}_LAYER_HOOK
/* Yours: called after each layer with its output's bytes, which the next layers may overwrite. */
void ${upper}_LAYER_HOOK(int layer, const int8_t *out, int32_t bytes);
#endif

#ifdef ${upper}_ARENA_EXTERN
/* Yours: uint8_t ${name}_arena[${upper}_ARENA_BYTES]; other compilers than these must be told to align it to 8 bytes. */
#if defined(__GNUC__) || defined(__clang__)
extern uint8_t ${name}_arena[${upper}_ARENA_BYTES] __attribute__((aligned(8)));
#else
extern uint8_t ${name}_arena[${upper}_ARENA_BYTES];
#endif
#endif`;
}

/** Inline, so that an application which feeds bytes pays for no float code. */
function conversions({ name, inputs, outputs }: HeaderParts): string {
  const parts: string[] = [];
  if (inputs.some(({ conversion }) => conversion.kind === 'quantized')) parts.push(quantizeValueText(name));
  for (const input of inputs) {
    if (input.conversion.kind === 'none') continue;
    const { macro, suffix, type, conversion } = input;
    const value =
      conversion.kind === 'float'
        ? 'values[i]'
        : `(${type})${name}_quantize_value(values[i], ${macro}_SCALE, ${macro}_ZERO_POINT, ${conversion.range[0]}, ${conversion.range[1]})`;
    parts.push(`/* ${macro}_COUNT real numbers, in the unit of the float model, to the input. */
static inline void ${name}_quantize_input${suffix}(const float *values)
{
    ${type} *input = ${name}_input${suffix}();
    for (int32_t i = 0; i < ${macro}_COUNT; i++)
        input[i] = ${value};
}`);
  }
  for (const { macro, suffix, type, conversion } of outputs) {
    if (conversion.kind === 'none') continue;
    const value =
      conversion.kind === 'float' ? 'output[i]' : `${macro}_SCALE * (float)((int32_t)output[i] - ${macro}_ZERO_POINT)`;
    parts.push(`/* The output as ${macro}_COUNT real numbers. */
static inline void ${name}_dequantize_output${suffix}(float *values)
{
    const ${type} *output = ${name}_output${suffix}();
    for (int32_t i = 0; i < ${macro}_COUNT; i++)
        values[i] = ${value};
}`);
  }
  return parts.join('\n\n');
}

const quantizeValueText = (
  name: string,
): string => `/* x / scale rounded half away from zero, plus zero_point, clamped; NaN is zero_point (the real 0). */
static inline int32_t ${name}_quantize_value(float x, float scale, int32_t zero_point, int32_t min, int32_t max)
{
    const float quotient = x / scale;
    int32_t whole;
    float rest;

    if (quotient != quotient)
        return zero_point;
    if (quotient <= (float)(min - zero_point))
        return min;
    if (quotient >= (float)(max - zero_point))
        return max;
    whole = (int32_t)quotient;
    rest = quotient - (float)whole; /* exact; adding 0.5 would not be */
    if (rest >= 0.5f)
        whole++;
    else if (rest <= -0.5f)
        whole--;
    return whole + zero_point;
}`;
