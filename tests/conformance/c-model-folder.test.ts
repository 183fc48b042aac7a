/** What a person gets in the emitted folder: names, flags, hooks, conversions, and that it is whole by itself. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Graph } from '../../src/core/graph.js';
import { preprocessValue, quantizeValue } from '../../src/core/real-to-int8.js';
import type { Tensor } from '../../src/core/tensor.js';
import { emitCArray } from '../../src/emit/c-array.js';
import { type CModelOptions, emitCModel } from '../../src/emit/c-model.js';
import { createInterpreter } from '../../src/interpret/interpreter.js';
import { kernelText } from '../../src/pipeline/kernel-files.js';
import { hasTool, strictFlags } from '../emulated-core/c-program.js';
import { smallModel } from './small-model.js';

const metadata = {
  labels: ['yes', 'no "really"', 'größer?'],
  preprocessing: { scale: [0.5, 1, 2], offset: [-3, 0.25, 1] },
  recipe: { name: 'default', sha256: 'beef' },
};
const options = { name: 'kws', target: 'generic', kernelText, modelSha256: 'cafe', version: '1.2.3' } as const;
const emit = (more: Partial<CModelOptions> = {}) => emitCModel(smallModel(metadata), { ...options, ...more }).files;

/** fully_connected layers in a row, of one shape, with weights of their own. */
function repeated(count: number): Graph {
  const quant = { scale: [0.5], zeroPoint: [3], axis: null };
  const names = Array.from({ length: count + 1 }, (_, i) => `t${i}`);
  const weightsOf = (layer: number): Tensor => ({
    name: `w${layer}`,
    shape: [8, 8],
    dtype: 'int8',
    quant: { scale: [0.01], zeroPoint: [0], axis: null },
    data: Int8Array.from({ length: 64 }, (_, i) => ((i * 29 + layer * 11) % 255) - 127),
  });
  const activations = names.map((name): Tensor => ({ name, shape: [1, 8], dtype: 'int8', quant }));
  const layers = names.slice(1).map((output, layer) => ({
    name: `dense${layer}`,
    op: 'fully_connected',
    inputs: [names[layer]!, `w${layer}`, null],
    outputs: [output],
    attrs: { activation: 'none', keepNumDims: false },
  }));
  const tensors = [...activations, ...layers.map((_, layer) => weightsOf(layer))];
  return {
    name: 'repeated',
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
    nodes: layers,
    inputs: ['t0'],
    outputs: [names.at(-1)!],
  };
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'thimble-folder-'));
  for (const { path, content } of [...emit(), ...emit({ name: 'other' })]) writeFileSync(join(folder, path), content);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const compile = (compiler: string, ...args: readonly string[]) =>
  spawnSync(compiler, [...args], { cwd: folder, encoding: 'utf8' });

/** Compiles a program with the model and returns what it prints. */
function output(program: string, ...flags: readonly string[]): string {
  writeFileSync(join(folder, 'main.c'), program);
  const built = compile('gcc', '-std=c99', '-O2', ...strictFlags, ...flags, '-I.', 'main.c', '-o', 'main');
  expect(built.stderr).toBe('');
  return execFileSync(join(folder, 'main'), { encoding: 'utf8' }).trim();
}

describe('emitted files', () => {
  it('are the same bytes for the same input', () => expect(emit()).toEqual(emit()));

  it('define only names that begin with the model', () => {
    for (const { path, content } of emit()) {
      expect(path).toMatch(/^kws(_\w+)?\.[ch]$/);
      const macros = [...String(content).matchAll(/^\s*#\s*define\s+(\w+)/gm)].map(([, macro]) => macro!);
      expect(macros.filter((macro) => !macro.startsWith('KWS_'))).toEqual([]);
      expect(String(content)).not.toMatch(/thimble_|THIMBLE_(?!VERSION)/);
    }
  });

  it('hold code once for layers that differ in constants and places alone, and equal tables once', () => {
    const graph = repeated(3);
    const source = String(emitCModel(graph, options).files.find(({ path }) => path === 'kws.c')!.content);
    expect(source.match(/\bkws_fully_connected_s8\(/g)).toHaveLength(1);
    expect(source.match(/kws_fully_connected_0\(\s*KWS_AT/g)).toHaveLength(3);
    expect(source.match(/const int8_t kws_layer\d_shift\[/g)).toHaveLength(1); // the scales are the same in all
    expect(source.match(/const int8_t kws_layer\d_weights\[/g)).toHaveLength(3);
  });

  it('say what the model is', () => {
    const header = String(emit()[0]!.content);
    for (const line of [
      'KWS_MODEL_SHA256 "cafe"',
      'KWS_RECIPE_SHA256 "beef"',
      'KWS_INPUT_BYTES 12',
      'KWS_OUTPUT_BYTES 3',
    ])
      expect(header).toContain(`#define ${line}\n`);
    expect(header).toContain('#define KWS_INPUT_1_SCALE 0.25f\n#define KWS_INPUT_1_ZERO_POINT 7\n');
    expect(header).toContain('#define KWS_OUTPUT_SCALE 0.00390625f\n#define KWS_OUTPUT_ZERO_POINT (-128)\n');
    expect(header).toMatch(/^[\x20-\x7e\n]+$/); // any editor, any compiler
  });

  it('are refused for float models and for names that collide', () => {
    const { tensors, ...rest } = smallModel();
    const float = new Map(
      [...tensors].map(([name, tensor]) => [
        name,
        tensor.data ? tensor : { name, shape: tensor.shape, dtype: 'float32' as const },
      ]),
    );
    expect(() => emitCModel({ ...rest, tensors: float }, options)).toThrow(
      expect.objectContaining({ code: 'E_UNSUPPORTED_MODEL' }),
    );
    expect(() => emit({ name: 'stdint' })).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
  });
});

describe.skipIf(!hasTool('gcc') || !hasTool('g++'))('the folder, compiled (needs gcc and g++)', () => {
  for (const [compiler, ...language] of [
    ['gcc', '-std=c99'],
    ['gcc', '-std=gnu99'],
    ['g++', '-x', 'c++', '-std=c++11'],
  ] as const)
    it(`builds strictly as ${language.at(-1)}, with external names of its own only and nothing undefined`, () => {
      const built = compile(compiler, ...language, '-O2', ...strictFlags, '-I.', '-c', 'kws.c', '-o', 'kws.o');
      expect(built.stderr).toBe('');
      const symbols = compile('nm', '-g', 'kws.o')
        .stdout.trim()
        .split('\n')
        .map((line) => line.trim().split(/\s+/));
      const defined = symbols.filter((parts) => parts.length === 3).map((parts) => parts[2]!);
      const missing = symbols.filter((parts) => parts.length === 2).map((parts) => parts[1]!);
      expect(defined.filter((name) => !name.startsWith('kws_'))).toEqual([]);
      expect(defined).toEqual(
        expect.arrayContaining([
          'kws_input',
          'kws_input_1',
          'kws_invoke',
          'kws_output',
          'kws_output_1',
          'kws_reset',
          'kws_labels',
          'kws_preprocess',
        ]),
      );
      expect(missing.filter((name) => !['memcpy', 'memset', 'memmove'].includes(name))).toEqual([]); // the compiler's own
    });

  it('lets two models and an application share one translation unit, and calls the hook in order', () => {
    const text = output(
      `#include <stdio.h>
#include "kws.c"
#include "other.c"
void note(int layer, const int8_t *out, int32_t bytes) { printf("%d:%d:%d ", layer, (int)bytes, out[0]); }
int main(void)
{
    for (int i = 0; i < 12; i++) { kws_input()[i] = (int8_t)(9 * i - 50); kws_input_1()[i] = (int8_t)(5 * i); }
    kws_invoke();
    for (int i = 0; i < 3; i++) printf("%d ", kws_output()[i]);
    printf("%s %s %s %s", kws_labels[0], kws_labels[1], kws_labels[2], other_labels[0]);
    return 0;
}`,
      '-DKWS_LAYER_HOOK=note',
    );
    const image = Int8Array.from({ length: 12 }, (_, i) => 9 * i - 50);
    const other = Int8Array.from({ length: 12 }, (_, i) => 5 * i);
    const layers = createInterpreter(smallModel()).runLayers([image, other]);
    const told = layers.map((layer, i) => `${i}:${layer.length}:${layer[0]} `).join('');
    expect(text).toBe(`${told}${[...layers[4]!].join(' ')} yes no "really" größer? yes`);
  });

  it('takes the arena from the application', () => {
    const text = output(
      `#include <stdio.h>
#include "kws.c"
static char odd;
uint8_t kws_arena[KWS_ARENA_BYTES];
int main(void)
{
    (void)odd;
    printf("%d %d", (int)((uintptr_t)kws_arena % 8), (uint8_t *)kws_input() >= kws_arena && (uint8_t *)kws_input() < kws_arena + KWS_ARENA_BYTES);
    return 0;
}`,
      '-DKWS_ARENA_EXTERN',
    );
    expect(text).toBe('0 1');
  });

  it('quantizes, preprocesses and dequantizes as the host does', () => {
    const values = [0, -0, 0.5, -0.5, 1.5, 0.49999997, 126.5, 127.5, 300, -300, 1e30, -1e30];
    const floats = values.map((value) => `${value === 0 ? '0.0' : value.toExponential()}f`).join(', ');
    const text = output(
      `#include <stdio.h>
#include "kws.c"
int main(void)
{
    const float values[12] = {${floats}};
    const float nothing[12] = {0.0f / 0.0f, 1.0f / 0.0f, -1.0f / 0.0f};
    uint8_t raw[12];
    float scores[KWS_OUTPUT_COUNT];
    kws_quantize_input(values);
    for (int i = 0; i < 12; i++) printf("%d ", kws_input()[i]);
    kws_quantize_input_1(values);
    for (int i = 0; i < 12; i++) printf("%d ", kws_input_1()[i]);
    kws_quantize_input_1(nothing);
    for (int i = 0; i < 3; i++) printf("%d ", kws_input_1()[i]);
    for (int at = 0; at < 256; at += 12) {
        for (int i = 0; i < 12; i++) raw[i] = (uint8_t)(at + i);
        kws_preprocess(raw);
        for (int i = 0; i < 12; i++) printf("%d ", kws_input()[i]);
    }
    kws_invoke();
    kws_dequantize_output(scores);
    for (int i = 0; i < 3; i++) printf("%d ", scores[i] * 256.0f - 128.0f == (float)kws_output()[i]);
    return 0;
}`,
      '-Wno-div-by-zero',
    );
    const bytes = Array.from({ length: 264 }, (_, i) =>
      quantizeValue(preprocessValue(i & 255, metadata.preprocessing, (i % 12) % 3), 1, -128),
    );
    expect(text.split(' ').map(Number)).toEqual([
      ...values.map((x) => quantizeValue(x, 1, -128)),
      ...values.map((x) => quantizeValue(x, 0.25, 7)),
      7,
      127,
      -128,
      ...bytes,
      1,
      1,
      1,
    ]);
  });

  it('says raw − 128 where that is all there is to preprocess', () => {
    const { files } = emitCModel(smallModel({ preprocessing: { scale: [1], offset: [0] } }), options);
    expect(String(files[1]!.content)).toContain('(int8_t)(raw[i] - 128)');
    expect(String(files[1]!.content)).not.toContain('preprocess_table');
  });

  it('does not compile for a board whose RAM the arena exceeds', () => {
    for (const [ramBytes, status] of [
      [16, 1],
      [65536, 0],
    ] as const) {
      for (const { path, content } of emit({ name: 'tight', board: { id: 'tiny', ramBytes, flashBytes: 0 } }))
        writeFileSync(join(folder, path), content);
      const built = compile('gcc', '-std=c99', '-I.', '-c', 'tight.c', '-o', 'tight.o');
      expect(built.status).toBe(status);
      if (status === 1) expect(built.stderr).toContain('tight_arena_fits_the_ram_of_the_board');
    }
  });

  it('holds the .tflite as an aligned array, in C and in C++', () => {
    const bytes = Uint8Array.from({ length: 45 }, (_, i) => i * 7);
    for (const { path, content } of emitCArray(bytes, smallModel(), 'kws')) writeFileSync(join(folder, path), content);
    expect(String(emitCArray(bytes, smallModel(), 'kws')[0]!.content)).toContain('KWS_TFLM_OP_COUNT 5');
    const cpp = compile('g++', '-x', 'c++', '-std=c++11', ...strictFlags, '-I.', '-c', 'model_data.c', '-o', 'array.o');
    expect(cpp.stderr).toBe('');
    const text = output(`#include <stdio.h>
#include "model_data.c"
int main(void)
{
    printf("%d %d", (int)((uintptr_t)kws_model_data % 16), (int)kws_model_data_bytes);
    for (int i = 0; i < KWS_MODEL_DATA_BYTES; i++) printf(" %d", kws_model_data[i]);
    return 0;
}`);
    expect(text.split(' ').map(Number)).toEqual([0, 45, ...bytes]);
  });
});

describe.skipIf(!hasTool('avr-gcc'))('the folder on AVR (needs avr-gcc)', () => {
  it('builds strictly with its constants in program memory', () => {
    const args = ['-mmcu=atmega2560', '-std=c99', '-Os', ...strictFlags, '-I.', '-c', 'kws.c', '-o', 'avr.o'];
    expect(compile('avr-gcc', ...args).stderr).toBe('');
    const sections = compile('avr-size', '-A', 'avr.o').stdout;
    expect(Number(/\.progmem\.data\s+(\d+)/.exec(sections)?.[1])).toBeGreaterThan(36 + 3 * 256);
  });
});
