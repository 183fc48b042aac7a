/** MFCC against numpy and scipy (mfcc-oracle.json), and what a person may hand it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { powerSpectrum } from '../../../src/dsp/mfcc/fft.js';
import { createMfcc, keywordMfcc, type MfccOptions } from '../../../src/dsp/mfcc/mfcc.js';
import { projectFolder } from '../../shared-folder.js';

interface Case {
  readonly name: string;
  readonly length: number;
  readonly seed: number;
  readonly options: MfccOptions;
  readonly expected: readonly number[];
}
const oracle = JSON.parse(readFileSync(join(projectFolder, 'tests/unit/dsp/mfcc-oracle.json'), 'utf8')) as {
  cases: readonly Case[];
};

/** Noise of a Lehmer generator over a rising tone. */
function signal(length: number, seed: number): Float64Array {
  let state = seed;
  return Float64Array.from({ length }, (_, i) => {
    state = (state * 48271) % 2147483647;
    return 0.3 * (state / 2147483647 - 0.5) + 0.5 * Math.sin((2 * Math.PI * (200 + 0.1 * i) * i) / 8000);
  });
}

describe('MFCC', () => {
  it.each(oracle.cases)('equals numpy and scipy: $name', ({ length, seed, options, expected }) => {
    const mfcc = createMfcc(options);
    const features = mfcc.extract(signal(length, seed));
    expect(features.length).toBe(options.frames * options.coefficients);
    expect(features.length).toBe(expected.length);
    features.forEach((value, i) => {
      expect(Math.abs(value - expected[i]!), `value ${i}`).toBeLessThan(1e-4 + 1e-5 * Math.abs(expected[i]!));
    });
  });

  it('gives one second as 49 × 10', () => {
    const mfcc = createMfcc({ ...keywordMfcc, sampleRateHz: 8000 });
    expect(mfcc.shape).toEqual([49, 10, 1]);
    expect(mfcc.samples).toBe(8000);
  });

  it('stays finite for silence, the empty clip and full scale', () => {
    const mfcc = createMfcc({ ...keywordMfcc, sampleRateHz: 8000 });
    for (const clip of [new Float32Array(8000), new Float32Array(0), new Float32Array(9000).fill(1)])
      expect(mfcc.extract(clip).every(Number.isFinite)).toBe(true);
  });

  it('does not remember the clip before', () => {
    const mfcc = createMfcc({ ...keywordMfcc, sampleRateHz: 8000 });
    const first = mfcc.extract(signal(8000, 1));
    mfcc.extract(signal(8000, 2));
    expect(mfcc.extract(signal(8000, 1))).toEqual(first);
  });

  it('refuses options that make no sense, all at once', () => {
    const bad = { ...keywordMfcc, sampleRateHz: 8000, highHz: 9000, coefficients: 41, floor: 0 };
    expect(() => createMfcc(bad)).toThrow(/9000.*|41 coefficients/);
    expect(() => createMfcc({ ...keywordMfcc, sampleRateHz: 0 })).toThrow(/window/);
    expect(() => createMfcc({ ...keywordMfcc, sampleRateHz: Number.NaN })).toThrow(/window/);
    expect(() => powerSpectrum(48)).toThrow(/power of two/);
  });
});

describe('the power spectrum', () => {
  it('equals the transform by its definition', () => {
    const frames = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 64 });
    fc.assert(
      fc.property(fc.constantFrom(2, 4, 16, 64), frames, (length, frame) => {
        const clip = frame.slice(0, length);
        const spectrum = powerSpectrum(length)(clip);
        expect(spectrum.length).toBe(length / 2 + 1);
        spectrum.forEach((power, k) => {
          let [re, im] = [0, 0];
          for (const [i, value] of clip.entries()) {
            re += value * Math.cos((2 * Math.PI * i * k) / length);
            im += value * Math.sin((2 * Math.PI * i * k) / length);
          }
          expect(power).toBeCloseTo(re * re + im * im, 8);
        });
      }),
      { numRuns: 40 },
    );
  });
});
