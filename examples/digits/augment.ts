/** Digits as other hands would have written them: a little turned, larger or smaller, off centre. */
import { SIDE } from './digits.js';

const MAX_TURN = (12 * Math.PI) / 180;
const MAX_GROWTH = 0.12;
const MAX_SHIFT = 2; // pixels

/**
 * Writes a distorted copy of one digit, bilinearly resampled.
 * @param from bytes of one digit; @param to values 0 … 1, 784 of them from `at` on
 */
export function distort(from: Uint8Array, to: Float32Array, at: number, random: () => number): void {
  const spread = (reach: number): number => (2 * random() - 1) * reach;
  const [angle, growth, shiftX, shiftY] = [
    spread(MAX_TURN),
    1 + spread(MAX_GROWTH),
    spread(MAX_SHIFT),
    spread(MAX_SHIFT),
  ];
  const [cos, sin] = [Math.cos(angle) / growth, Math.sin(angle) / growth];
  const centre = (SIDE - 1) / 2;
  const pixel = (x: number, y: number): number => (x >= 0 && x < SIDE && y >= 0 && y < SIDE ? from[y * SIDE + x]! : 0);
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++) {
      const [dx, dy] = [x - centre - shiftX, y - centre - shiftY];
      const [sourceX, sourceY] = [cos * dx + sin * dy + centre, cos * dy - sin * dx + centre];
      const [left, top] = [Math.floor(sourceX), Math.floor(sourceY)];
      const [right, below] = [sourceX - left, sourceY - top]; // weights of the right and the lower neighbours
      const upper = pixel(left, top) * (1 - right) + pixel(left + 1, top) * right;
      const lower = pixel(left, top + 1) * (1 - right) + pixel(left + 1, top + 1) * right;
      to[at + y * SIDE + x] = (upper * (1 - below) + lower * below) / 255;
    }
}
