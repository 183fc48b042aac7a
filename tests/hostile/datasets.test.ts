/** Data that is cut or changed at random gives samples of finite numbers or a ThimbleError, quickly: nothing else. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { ThimbleError } from '../../src/core/errors.js';
import { elementCount } from '../../src/core/tensor.js';
import { type DatasetOptions, openDataset } from '../../src/datasets/index.js';
import { bytesOfArray, cifarRecord, idx, npy, npz, temporaryFolder, write } from '../unit/datasets/data-files.js';

const folder = temporaryFolder();
const floats = bytesOfArray(Float32Array.from({ length: 24 }, (_, i) => i / 7));
const arrays = { x: npy('<f4', [4, 2, 3], floats), y: npy('|u1', [4], Uint8Array.of(0, 1, 2, 1)) };
const csv = `a,b,label\n${Array.from({ length: 9 }, (_, i) => `${i},${i / 3},k${i % 3}`).join('\n')}\n`;

interface Source {
  readonly name: string;
  readonly content: Uint8Array;
  readonly options: DatasetOptions;
  readonly runs: number;
  readonly path?: string; // what to open, where it is not the file itself
}
const sources: readonly Source[] = [
  { name: 'a.npz', content: npz(arrays), options: { format: 'npz' }, runs: 500 },
  { name: 'stored.npz', content: npz(arrays, 0), options: { format: 'npz' }, runs: 500 },
  { name: 'a.npy', content: arrays.x, options: { format: 'npy' }, runs: 500 },
  { name: 'a.csv', content: Buffer.from(csv), options: {}, runs: 500 },
  { name: 'a-images-idx3', content: idx(13, [4, 2, 3], floats), options: { format: 'idx' }, runs: 500 },
  {
    name: 'a-images-idx3.gz',
    content: gzipSync(idx(8, [4, 2, 3], Buffer.alloc(24, 3))),
    options: { format: 'idx' },
    runs: 200,
  },
  {
    name: 'a.bin',
    content: Buffer.concat([cifarRecord(1), cifarRecord(2)]),
    options: { format: 'cifar10' },
    runs: 100,
  },
  { name: 'r.bin', content: Buffer.alloc(12, 9), options: { format: 'int8-records', shape: [3] }, runs: 500 },
  {
    name: 'd/0.json',
    content: Buffer.from(JSON.stringify({ data: new Array(784).fill(0.5) })),
    options: { format: 'mnist-json' },
    runs: 200,
    path: 'd',
  },
  {
    name: 'i/class/1.png',
    content: await sharp({ create: { width: 5, height: 5, channels: 3, background: '#123456' } })
      .png()
      .toBuffer(),
    options: { format: 'images' },
    runs: 100,
    path: 'i',
  },
];

/** Opens the bytes and looks at every sample. @returns whether they were refused */
async function isRefused({ name, options, path }: Source, content: Uint8Array): Promise<boolean> {
  const file = write(folder, name, content);
  try {
    const data = await openDataset(path === undefined ? file : `${folder}/${path}`, options);
    for (let i = 0; i < Math.min(data.sampleCount, 20); i++) {
      const sample = data.sample(i);
      if (sample.length !== elementCount(data.shape) || !sample.every(Number.isFinite)) throw new Error(`sample ${i}`);
      const label = data.classOf(i);
      if (label !== undefined && !(label < data.labels.length)) throw new Error(`class ${label}`);
    }
    return false;
  } catch (error) {
    if (error instanceof ThimbleError) return true;
    throw error;
  }
}

describe.each(sources)('$name', (source) => {
  it('is fine as it is', async () => expect(await isRefused(source, source.content)).toBe(false));

  it('is refused when empty, and survives being cut anywhere', async () => {
    expect(await isRefused(source, new Uint8Array())).toBe(true);
    const step = Math.max(1, Math.floor(source.content.length / 60));
    for (let end = 0; end < source.content.length; end += step)
      await isRefused(source, source.content.subarray(0, end));
  });

  it('survives random changes', async () => {
    const changes = fc.array(
      fc.tuple(fc.nat(source.content.length - 1), fc.oneof(fc.nat(255), fc.constantFrom(0, 0x7f, 0x80, 0xff))),
      { minLength: 1, maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(changes, async (list) => {
        const content = Uint8Array.from(source.content);
        for (const [at, value] of list) content[at] = value;
        await isRefused(source, content);
      }),
      { numRuns: source.runs, seed: 11 },
    );
  });
});
