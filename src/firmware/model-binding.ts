/** model_binding.c: puts the names that the firmware's runtime knows in front of those of one emitted model. */

import { type Graph, hasState, tensorOf } from '../core/graph.js';
import { byteCount, elementCount, isPerTensor, type TensorSpec } from '../core/tensor.js';
import { crc32OfText } from '../device/crc32.js';

/** The tests of MLPerf Tiny, by which its runner chooses script and data set. */
export const mlperfIds = ['kws01', 'vww01', 'ad01', 'ic01', 'strww01'] as const;
export type MlperfId = (typeof mlperfIds)[number];

export interface Binding {
  readonly boardId: string;
  readonly modelName: string; // a C identifier, the emitted model's prefix
  readonly graph: Graph; // that it was emitted from
  readonly hooks: boolean;
  /** What the firmware tells MLPerf Tiny's runner that its model is. Default: its name, which no runner knows. */
  readonly mlperfId?: MlperfId | undefined;
  /** A sketch brings its own thimble_model_done, to act on results; other firmwares do nothing with them. */
  readonly sketch?: boolean;
}

/** The text of model_binding.c, which needs NAME.h and thimble_model.h. */
export function modelBindingText({ boardId, modelName, graph, hooks, mlperfId, sketch }: Binding): string {
  const upper = modelName.toUpperCase();
  const inputs = graph.inputs.map((name) => tensorOf(graph, name));
  const outputs = graph.outputs.map((name) => tensorOf(graph, name));
  const sum = (tensors: readonly TensorSpec[], measure: (tensor: TensorSpec) => number): number =>
    tensors.reduce((total, tensor) => total + measure(tensor), 0);
  const count = ({ shape }: TensorSpec): number => elementCount(shape);
  const { labels, recipe } = graph.metadata ?? {};
  return `/* The model "${modelName}" under the names that the runtime uses. Written by the build; see thimble_model.h. */
#include "thimble_model.h"

#include <string.h>

#include "thimble_fixed.h"
#include "${modelName}.h"
${sketch ? '#include "thimble_sketch.h"\n' : ''}
static uint8_t input_buffer[${sum(inputs, byteCount)}];

static const char board_id[] THIMBLE_FIXED = "${boardId}";
static const char model_name[] THIMBLE_FIXED = "${modelName}";
static const char benchmark_id[] THIMBLE_FIXED = "${mlperfId ?? modelName}";
static const char model_sha256[] THIMBLE_FIXED = ${upper}_MODEL_SHA256;

const struct thimble_model_facts thimble_model = {
    board_id,
    model_name,
    benchmark_id,
    model_sha256,
    ${hex(labels?.length ? crc32OfText(labels.join('\n')) : 0)}, /* labels */
    ${hex(recipe ? crc32OfText(recipe.sha256) : 0)}, /* recipe */
    ${sum(inputs, byteCount)}, /* bytes of input */
    ${sum(outputs, byteCount)}, /* bytes of output */
    ${sum(outputs, count)}, /* output values */
    ${count(outputs[0]!)}, /* classes */
    ${upper}_ARENA_BYTES,
    ${upper}_LAYER_COUNT,
    ${hooks ? 1 : 0}, /* layer hooks */
    input_buffer,
};

void thimble_model_fill(void)
{
${copies(inputs, modelName)}
}

void thimble_model_invoke(void)
{
${hasState(graph) ? `    ${modelName}_reset(); /* every request stands for itself */\n` : ''}    ${modelName}_invoke();
}

${sketch ? labelFunction(modelName, labels ?? []) : DONE_WITHOUT_SKETCH}uint8_t thimble_model_output_byte(int32_t index)
{
${selections(outputs, byteCount, (suffix) => `((const uint8_t *)${modelName}_output${suffix}())[index]`)}
}

float thimble_model_value(int32_t index)
{
${selections(outputs, count, (suffix, tensor) => realValue(tensor, modelName, suffix))}
}
`;
}

const DONE_WITHOUT_SKETCH = `void thimble_model_done(void)
{
}

`;

const labelFunction = (modelName: string, labels: readonly string[]): string => `void thimble_model_start(void)
{
}

const char *thimble_label(int16_t class_index)
{
    if (class_index < 0)
        return "nothing";
    return ${labels.length === 0 ? '""' : `class_index < ${labels.length} ? ${modelName}_labels[class_index] : ""`};
}

`;

const suffixOf = (index: number): string => (index === 0 ? '' : `_${index}`);
const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}u`;

function copies(inputs: readonly TensorSpec[], name: string): string {
  let offset = 0;
  const lines = inputs.map((tensor, index) => {
    const line = `    memcpy(${name}_input${suffixOf(index)}(), input_buffer + ${offset}, ${byteCount(tensor)});`;
    offset += byteCount(tensor);
    return line;
  });
  return lines.join('\n');
}

/** One return per output; `index` counts on from one to the next. */
function selections(
  outputs: readonly TensorSpec[],
  measure: (tensor: TensorSpec) => number,
  expression: (suffix: string, tensor: TensorSpec) => string,
): string {
  return outputs
    .map((tensor, i) =>
      i === outputs.length - 1
        ? `    return ${expression(suffixOf(i), tensor)};`
        : `    if (index < ${measure(tensor)})\n        return ${expression(suffixOf(i), tensor)};\n    index -= ${measure(tensor)};`,
    )
    .join('\n');
}

function realValue(tensor: TensorSpec, name: string, suffix: string): string {
  const element = `${name}_output${suffix}()[index]`;
  if (tensor.dtype === 'float32') return element;
  if (!isPerTensor(tensor.quant)) return `(float)${element}`;
  const macro = `${name}_output${suffix}`.toUpperCase();
  return `${macro}_SCALE * (float)((int32_t)${element} - ${macro}_ZERO_POINT)`;
}
