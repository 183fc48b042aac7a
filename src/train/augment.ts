/** Samples changed at random in ways that leave their class alone, so that training sees more than there is. */
import type { Shape } from '../core/tensor.js';

export interface Augmentation {
  /** Mirrors images left to right, every other time. Not for digits, letters or spectra. */
  readonly flip?: boolean | undefined;
  /** Moves by up to so many rows and columns, both ways; what comes in repeats the edge. For a spectrum: [frames, 0]. */
  readonly shift?: number | readonly [rows: number, columns: number] | undefined;
}

/**
 * @param shape [height, width, channels], or [height, width]; anything else is left as it is
 * @returns a new array, or `values` where nothing changes
 */
export function augmented(
  values: Float32Array,
  shape: Shape,
  { flip = false, shift = 0 }: Augmentation,
  random: () => number,
): Float32Array {
  if (shape.length !== 2 && shape.length !== 3) return values;
  const [height = 1, width = 1, channels = 1] = shape;
  const [rows, columns] = typeof shift === 'number' ? [shift, shift] : shift;
  const moveBy = (most: number): number => Math.floor(random() * (2 * most + 1)) - most;
  const [down, right] = [moveBy(rows), moveBy(columns)];
  const mirrored = flip && random() < 0.5;
  if (down === 0 && right === 0 && !mirrored) return values;
  const result = new Float32Array(values.length);
  const within = (at: number, size: number): number => Math.min(Math.max(at, 0), size - 1);
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const column = within(x - right, width);
      const from = (within(y - down, height) * width + (mirrored ? width - 1 - column : column)) * channels;
      for (let c = 0; c < channels; c++) result[to++] = values[from + c]!;
    }
  return result;
}
