/** How far the layers of a quantized network are from the float one's, over the same samples. */
import type { TypedArray } from '../core/tensor.js';

export interface LayerError {
  readonly sqnrDb: number; // 10 log10(Σ float² / Σ (float − other)²); Infinity where nothing differs
  readonly cosine: number; // of the two as vectors; 1 = the same direction
  readonly meanShift: number; // mean of other − float, in units of the float values' root mean square
  readonly largest: number; // |float − other|
}

/** Collects two series of values and gives their error: of one tensor, over many samples. */
export class ErrorMeter {
  #signal = 0;
  #noise = 0;
  #product = 0;
  #other = 0;
  #shift = 0;
  #count = 0;
  #largest = 0;

  /** @param map from other's values to real ones, such as int8 to scale · (q − zero_point) */
  add(float: TypedArray, other: TypedArray, scale = 1, zeroPoint = 0): void {
    for (let i = 0; i < float.length; i++) {
      const [x, y] = [float[i]!, scale * (other[i]! - zeroPoint)];
      const difference = y - x;
      this.#signal += x * x;
      this.#noise += difference * difference;
      this.#product += x * y;
      this.#other += y * y;
      this.#shift += difference;
      this.#largest = Math.max(this.#largest, Math.abs(difference));
    }
    this.#count += float.length;
  }

  result(): LayerError {
    const rms = Math.sqrt(this.#signal / Math.max(this.#count, 1));
    const lengths = Math.sqrt(this.#signal * this.#other);
    return {
      sqnrDb: this.#noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(this.#signal / this.#noise),
      cosine: lengths > 0 ? this.#product / lengths : this.#signal === this.#other ? 1 : 0,
      meanShift: rms > 0 ? this.#shift / this.#count / rms : 0,
      largest: this.#largest,
    };
  }
}
