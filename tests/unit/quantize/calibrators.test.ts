import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/core/seeded-random.js';
import { calibrate } from '../../../src/quantize/calibrate.js';
import { divergence, entropyRange, mseRange, percentileRange } from '../../../src/quantize/calibrators.js';
import { binCount, GrowingHistogram } from '../../../src/quantize/histogram.js';
import { planQuantization } from '../../../src/quantize/plan.js';
import { namedRecipes, parseRecipe } from '../../../src/quantize/recipe.js';
import { graphOf } from './graphs.js';

const extremes = (values: Float32Array) => ({ min: Math.min(...values), max: Math.max(...values) });
const histogramOf = (parts: readonly Float32Array[]) => {
  const histogram = new GrowingHistogram();
  for (const part of parts) histogram.add(part, extremes(part));
  return histogram.snapshot();
};

/** Bell-shaped values by the central limit, with `outliers` far away. */
function bell(count: number, seed: number, outliers: readonly number[] = []): Float32Array {
  const random = seededRandom(seed);
  const draw = () => Array.from({ length: 12 }, random).reduce((sum, x) => sum + x, -6);
  return Float32Array.from([...Array.from({ length: count }, draw), ...outliers]);
}

describe('the growing histogram', () => {
  it('counts as if it had known its width from the start, whatever the range did on the way', () => {
    const random = seededRandom(3);
    const parts = Array.from({ length: 30 }, (_, k) =>
      Float32Array.from({ length: 200 }, () => (random() - 0.4) * 3 ** (k % 11) * (random() < 0.2 ? 0 : 1)),
    );
    const { width, first, counts, zeros } = histogramOf(parts);
    const expected = new Map<number, number>();
    for (const value of parts.flatMap((part) => [...part]))
      if (value !== 0) expected.set(Math.floor(value / width), (expected.get(Math.floor(value / width)) ?? 0) + 1);
    expect(counts.length).toBeLessThanOrEqual(binCount);
    expect(counts.length).toBeGreaterThan(binCount / 4);
    expect(counts.map((_, i) => expected.get(first + i) ?? 0)).toEqual(counts);
    expect(counts.reduce((sum, count) => sum + count, zeros)).toBe(6000);
    expect(zeros).toBe(parts.flatMap((part) => [...part]).filter((value) => value === 0).length);
  });

  it('takes zeros alone, constants, the smallest and the largest numbers', () => {
    expect(histogramOf([new Float32Array(5)])).toMatchObject({ width: 0, zeros: 5 });
    for (const value of [3, -3, 1e-45, -1e-45, 3.4e38, -3.4e38]) {
      const { counts, zeros } = histogramOf([new Float32Array(2), Float32Array.of(value, 0), Float32Array.of(value)]);
      expect([counts.reduce((sum, count) => sum + count, 0), zeros]).toEqual([2, 3]);
      expect(counts.length).toBeLessThanOrEqual(binCount);
    }
  });
});

describe('calibrators', () => {
  const values = bell(10_000, 7, [90, -60]);
  const histogram = histogramOf([values]);

  it('percentile is that of the sorted values, to a bin', () => {
    const sorted = Float32Array.from(values).sort();
    for (const percentile of [90, 99, 99.9]) {
      const outside = Math.round(sorted.length * (1 - percentile / 100));
      const { min, max } = percentileRange(histogram, extremes(values), percentile);
      expect(Math.abs(max - sorted.at(-1 - outside)!)).toBeLessThanOrEqual(histogram.width);
      expect(Math.abs(min - sorted[outside]!)).toBeLessThanOrEqual(histogram.width);
    }
    expect(percentileRange(histogram, extremes(values), 100)).toEqual(extremes(values));
  });

  /** On the values themselves, in plain arithmetic. */
  const meanSquaredError = (low: number, high: number): number => {
    const step = (high - low) / 255;
    const zero = Math.round(-low / step);
    const real = (x: number) => (Math.min(255, Math.max(0, Math.round(x / step) + zero)) - zero) * step;
    return values.reduce((sum, x) => sum + (x - real(x)) ** 2, 0) / values.length;
  };

  it('mse is near the best range that trying all finds, and better than min-max', () => {
    const { min, max } = mseRange(histogram, extremes(values));
    let best = Infinity;
    for (let low = 0.5; low <= 60; low *= 1.12)
      for (let high = 0.5; high <= 90; high *= 1.12) best = Math.min(best, meanSquaredError(-low, high));
    expect(meanSquaredError(min, max)).toBeLessThan(best * 1.05);
    expect(meanSquaredError(min, max)).toBeLessThan(meanSquaredError(-60, 90));
  });

  it('the divergence is 0 for what the levels can tell, and that of the definition by hand', () => {
    const flat = new Array<number>(512).fill(3);
    expect(divergence(flat, 0, 512)).toBeCloseTo(0, 12);
    const uneven = flat.map((_, i) => (i % 2 === 0 ? 1 : 3)); // two bins a level: p = 1/4, 3/4 against q = 1/2
    expect(divergence(uneven, 0, 512)).toBeCloseTo(0.25 * Math.log(0.5) + 0.75 * Math.log(1.5), 12);
    const outlier = [...flat, 5]; // 5 of 1541 are moved into the last bin; the last level holds 6, spread 3 and 3
    const [moved, last, plain] = [8 / 1541, 3 / 1541, 3 / 1536];
    const expected = moved * Math.log(moved / plain) + 511 * last * Math.log(last / plain);
    expect(divergence(outlier, 0, 512)).toBeCloseTo(expected, 12);
  });

  it('entropy drops lone outliers and keeps an even spread whole', () => {
    const { min, max } = entropyRange(histogram, extremes(values));
    expect(max).toBeLessThan(30);
    expect(min).toBeGreaterThan(-30);
    const even = Float32Array.from({ length: 4096 * 4 }, (_, i) => (i + 0.5) / 4096);
    expect(entropyRange(histogramOf([even]), extremes(even)).max).toBeCloseTo(4, 1);
  });
});

describe('calibrators in a recipe', () => {
  const graph = graphOf({ x: [1, 2] }, [], [['y', 'relu', ['x']]]);
  const samples = [[Float32Array.of(-1, 2)], [Float32Array.of(-3, 4)], [Float32Array.of(0, 8)]];
  const scaleOf = async (recipe: Parameters<typeof planQuantization>[2]): Promise<number> => {
    const stats = await calibrate(graph, samples, undefined, undefined, recipe.activations);
    return planQuantization(graph, stats, recipe).tensors['x']!.scale[0]!;
  };

  it('moving-average leaves the old range by momentum', async () => {
    const recipe = parseRecipe({ name: 'm', activations: { calibrator: 'moving-average', momentum: 0.5 } });
    const [min, max] = [(-1 - 3) / 2 / 2, ((2 + 4) / 2 + 8) / 2];
    expect(await scaleOf(recipe)).toBeCloseTo((max - min) / 255, 6);
  });

  it('every named recipe makes a plan; statistics of another calibrator are refused', async () => {
    for (const recipe of namedRecipes.values()) expect(await scaleOf(recipe)).toBeGreaterThan(0);
    const little = await calibrate(graph, samples);
    for (const name of ['a8w8-moving-average', 'a8w8-percentile', 'a8w8-entropy', 'a8w8-mse'])
      expect(() => planQuantization(graph, little, namedRecipes.get(name)!)).toThrow(/kept too little/);
  });

  it('leaves the default recipe as it was, to the letter', () => {
    expect(JSON.stringify(namedRecipes.get('a8w8'))).toBe(
      '{"name":"a8w8","weights":{"granularity":"per-channel","fullyConnected":"per-tensor"},"activations":{"calibrator":"min-max"}}',
    );
  });
});
