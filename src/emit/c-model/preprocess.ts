/** `NAME_preprocess`: raw sensor bytes to the model's input, by what the model's metadata says. */
import { ThimbleError } from '../../core/errors.js';
import type { Preprocessing } from '../../core/graph.js';
import { preprocessValue, quantizeValue } from '../../core/real-to-int8.js';
import type { CArray } from '../../ops/op.js';
import type { InterfaceTensor } from './interface-tensor.js';

const BYTE_VALUES = 256;

export interface PreprocessCode {
  readonly constants: readonly CArray[];
  readonly body: string; // statements; `raw` is the argument
}

/**
 * All 256 answers per channel are worked out here, so that the board needs no float and cannot differ. Where they are
 * raw − 128 or raw itself, as for images that the model takes as they are, that is said instead.
 * @throws ThimbleError E_CONFIG where the lists do not fit the input's channels
 */
export function preprocessCode(preprocessing: Preprocessing, input: InterfaceTensor, name: string): PreprocessCode {
  const channels = Math.max(preprocessing.scale.length, preprocessing.offset.length, 1);
  const last = input.tensor.shape.at(-1) ?? 1;
  if (channels !== 1 && channels !== last)
    throw new ThimbleError(
      'E_CONFIG',
      `preprocessing has ${channels} channels, but input "${input.tensor.name}" has ${last}`,
      'Give one scale and offset, or one per channel.',
    );
  const tables = Array.from({ length: channels }, (_, channel) =>
    Array.from({ length: BYTE_VALUES }, (_, raw) => encode(raw, channel, preprocessing, input)),
  );
  const is = (f: (raw: number) => number): boolean => tables.every((table) => table.every((q, raw) => q === f(raw)));
  const loop = (value: string): string =>
    `${input.type} *input = ${name}_input();\n` +
    `for (int32_t i = 0; i < ${input.macro}_COUNT; i++)\n    input[i] = ${value};`;
  if (input.type === 'int8_t' && is((raw) => raw - 128)) return { constants: [], body: loop('(int8_t)(raw[i] - 128)') };
  if (input.type === 'float' && is((raw) => raw)) return { constants: [], body: loop('(float)raw[i]') };
  const table: CArray = {
    name: `${name}_preprocess_table`,
    type: input.type === 'float' ? 'float' : input.type === 'int16_t' ? 'int16_t' : 'int8_t',
    values: tables.flat(),
  };
  const load = `THIMBLE_LOAD_${{ float: 'F32', int16_t: 'S16', int8_t: 'S8' }[table.type as 'float' | 'int16_t' | 'int8_t']}`;
  const row = channels === 1 ? '' : `(i % ${channels}) * ${BYTE_VALUES} + `;
  return { constants: [table], body: loop(`${load}(&${table.name}[${row}raw[i]])`) };
}

function encode(raw: number, channel: number, preprocessing: Preprocessing, { conversion, tensor }: InterfaceTensor) {
  const real = preprocessValue(raw, preprocessing, channel);
  if (conversion.kind === 'float') return real;
  if (conversion.kind === 'quantized')
    return quantizeValue(real, conversion.scale, conversion.zeroPoint, conversion.range);
  throw new ThimbleError(
    'E_CONFIG',
    `input "${tensor.name}" is ${tensor.dtype} without a scale, so it takes no preprocessed values`,
    'Remove the preprocessing from the model.',
  );
}
