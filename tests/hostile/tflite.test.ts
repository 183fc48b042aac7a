/** Damaged .tflite files: a Graph or a ThimbleError, whatever the bytes; no hang, no memory beyond the file's size. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ThimbleError } from '../../src/core/errors.js';
import type { Graph } from '../../src/core/graph.js';
import { emitTflite } from '../../src/emit/tflite.js';
import { importTflite } from '../../src/importers/tflite/tflite.js';
import { sharedBytes, withoutShared } from '../shared-folder.js';
import { reluModel, tfliteFile } from '../unit/importers/tflite-file.js';

/** Two layers with constants, quantization and metadata: every part of the reader has something to do. */
function smallModel(): Uint8Array {
  const int8 = { type: 9, scale: [0.05], zeroPoint: [-3] };
  const file = tfliteFile({
    codes: [{ builtin: 0 }, { builtin: 25 }],
    tensors: [
      { name: 'x', shape: [1, 8], ...int8 },
      { name: 'c', shape: [8], buffer: 1, ...int8 },
      { name: 'sum', shape: [1, 8], ...int8 },
      { name: 'y', shape: [1, 8], type: 9, scale: [1 / 256], zeroPoint: [-128] },
    ],
    operators: [
      { code: 0, inputs: [0, 1], outputs: [2] },
      { code: 1, inputs: [2], outputs: [3] },
    ],
    inputs: [0],
    outputs: [3],
    buffers: [Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)],
  });
  return emitTflite({ ...importTflite(file), metadata: { labels: ['a', 'b'], seed: 1 } });
}

/** Anything but a ThimbleError is thrown on. */
function importOf(bytes: Uint8Array): Graph | ThimbleError {
  try {
    return importTflite(bytes);
  } catch (error) {
    if (error instanceof ThimbleError) return error;
    throw error;
  }
}

function everyTruncation(bytes: Uint8Array): void {
  for (let length = 0; length < bytes.length; length += 64) importOf(bytes.subarray(0, length));
}

function mutated(bytes: Uint8Array, changes: readonly (readonly [at: number, value: number])[]): Uint8Array {
  const copy = bytes.slice();
  for (const [at, value] of changes) copy[at % copy.length] = value;
  return copy;
}

const bytesToChange = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
/** Whole words are offsets and lengths: the values that matter are 0, −1, huge, and just beyond the end. */
const wordsToChange = fc.tuple(
  fc.nat(),
  fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x40000000, 0x10000),
);

describe('hostile .tflite', () => {
  it('survives every truncation', () => {
    const model = smallModel();
    for (let length = 0; length < model.length; length++) importOf(model.subarray(0, length));
    expect(importOf(model)).not.toBeInstanceOf(ThimbleError);
  });

  it('survives 3,000 mutations of bytes', () => {
    const model = smallModel();
    let refused = 0;
    fc.assert(
      fc.property(bytesToChange, (changes) => {
        if (importOf(mutated(model, changes)) instanceof ThimbleError) refused++;
      }),
      { numRuns: 3000, seed: 1 },
    );
    expect(refused).toBeGreaterThan(300);
  });

  it('survives 3,000 mutations of whole words', () => {
    const model = smallModel();
    fc.assert(
      fc.property(wordsToChange, ([at, value]) => {
        const copy = model.slice();
        new DataView(copy.buffer).setUint32((at % (copy.length / 4 - 1)) * 4, value, true);
        importOf(copy);
      }),
      { numRuns: 3000, seed: 1 },
    );
  });

  it('survives random bytes behind the file identifier', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 200 }), (bytes) => {
        bytes.set([0x54, 0x46, 0x4c, 0x33], 4);
        importOf(bytes);
      }),
      { numRuns: 1000, seed: 1 },
    );
  });

  it('refuses a small file that unfolds: thousands of tensors on one vector', () => {
    const tensors = [
      { name: 'n'.repeat(2000), shape: [1, 4] },
      { name: 'y', shape: [1, 4] },
    ];
    const result = importOf(tfliteFile(reluModel({ tensors, timesFirstTensor: 20_000 })));
    expect(result).toBeInstanceOf(ThimbleError);
    expect((result as ThimbleError).message).toMatch(/overlap/);
  });
});

describe.skipIf(withoutShared)('hostile .tflite, real models (needs ../shared)', () => {
  it.each(['hello_world_int8', 'kws_ref_model', 'pretrainedResnet_quant'])(
    'survives %s cut at every 64th byte',
    (name) => {
      everyTruncation(sharedBytes(`models/${name}.tflite`));
    },
  );

  it.each([
    'models/hello_world_int8',
    'golden/ops/conv_2d/k3x3_c3o4_s1x2_same_none_pc',
    'golden/ops/concatenation/ax1_2in',
    'golden/ops/resize_nearest_neighbor/half_pixel',
    'golden/ops/split_v/ax1_3_1',
    'golden/ops/svdf/u5_r2_m6',
    'golden/ops/transpose_conv/k3x3_c3o4_relu_pc',
    'golden/ops/unpack/ax1',
  ])('survives 2,000 mutations of %s', (name) => {
    const model = sharedBytes(`${name}.tflite`);
    fc.assert(
      fc.property(bytesToChange, (changes) => {
        importOf(mutated(model, changes));
      }),
      { numRuns: 2000, seed: 1 },
    );
  });
});
