/**
 * How often which value occurred, in bounded memory, however far the range grows. A bin is 2^k wide and begins at a
 * multiple of its width, so that two neighbours make exactly one bin of twice the width: growing moves counts and loses
 * none, and the result is the same as if the last width had been known from the start.
 */
export const binCount = 4096;

/** Exact zeros are counted apart: 0 has its own int8 value, and after a relu it is most of what there is. */
export interface Histogram {
  readonly width: number; // 0 as long as nothing but 0 occurred
  readonly first: number; // bin i holds [(first + i) · width, (first + i + 1) · width)
  readonly counts: readonly number[];
  readonly zeros: number;
}

export class GrowingHistogram {
  private width = 0;
  private first = 0;
  private counts = new Float64Array(0);
  private zeros = 0;

  /** @param range the smallest and largest of `values`, which are finite */
  add(values: ArrayLike<number>, { min, max }: { readonly min: number; readonly max: number }): void {
    this.cover(Math.min(min, 0), Math.max(max, 0));
    const perUnit = 1 / this.width; // a power of two: the product below is exact
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (value === 0) this.zeros++;
      else this.counts[Math.floor(value * perUnit) - this.first]!++;
    }
  }

  snapshot(): Histogram {
    const { width, first, zeros } = this;
    return { width, first, counts: [...this.counts], zeros };
  }

  /** Makes room for [low, high]. The bins always reach over 0, which keeps their numbers small. */
  private cover(low: number, high: number): void {
    if (low === 0 && high === 0) return;
    if (this.width === 0) {
      this.width = 2 ** (Math.floor(Math.log2(Math.max(-low, high))) - Math.log2(binCount) + 1);
      this.counts = new Float64Array(1);
    }
    const end = this.first + this.counts.length;
    let [from, to] = [this.first * this.width, (end - 1) * this.width]; // in values: beginnings of the end bins
    from = Math.min(from, low);
    to = Math.max(to, high);
    let width = this.width;
    while (Math.floor(to / width) - Math.floor(from / width) >= binCount) width *= 2;
    const first = Math.floor(from / width);
    const length = Math.floor(to / width) - first + 1;
    if (width === this.width && first === this.first && length === this.counts.length) return;
    const counts = new Float64Array(length);
    const merged = width / this.width;
    this.counts.forEach((count, i) => {
      counts[Math.floor((this.first + i) / merged) - first]! += count;
    });
    this.width = width;
    this.first = first;
    this.counts = counts;
  }
}
