/** The power spectrum of a frame: an iterative radix-2 FFT in doubles, with its tables made once. */
import { ThimbleError } from '../../core/errors.js';

/**
 * @param length of the transform, a power of two from 2 on
 * @returns a function from a real frame of at most `length` values (zeros follow) to |X[k]|² for k = 0 … length / 2
 * @throws ThimbleError E_CONFIG for any other length
 */
export function powerSpectrum(length: number): (frame: ArrayLike<number>) => Float64Array {
  if (length < 2 || !Number.isInteger(Math.log2(length)))
    throw new ThimbleError(
      'E_CONFIG',
      `an FFT of ${length} values, which is no power of two`,
      'Choose a power of two, such as 256 or 512.',
    );
  const bits = Math.log2(length);
  const reversed = Int32Array.from({ length }, (_, i) => reverse(i, bits));
  const cosine = Float64Array.from({ length: length / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / length));
  const sine = Float64Array.from({ length: length / 2 }, (_, k) => -Math.sin((2 * Math.PI * k) / length));
  const [real, imaginary] = [new Float64Array(length), new Float64Array(length)];

  return (frame) => {
    for (let i = 0; i < length; i++) real[i] = frame[reversed[i]!] ?? 0;
    imaginary.fill(0);
    for (let half = 1; half < length; half *= 2) {
      const stride = length / (2 * half);
      for (let begin = 0; begin < length; begin += 2 * half)
        for (let k = 0; k < half; k++) {
          const [a, b] = [begin + k, begin + k + half];
          const [c, s] = [cosine[k * stride]!, sine[k * stride]!];
          const [re, im] = [real[b]! * c - imaginary[b]! * s, real[b]! * s + imaginary[b]! * c];
          real[b] = real[a]! - re;
          imaginary[b] = imaginary[a]! - im;
          real[a]! += re;
          imaginary[a]! += im;
        }
    }
    return Float64Array.from({ length: length / 2 + 1 }, (_, k) => real[k]! ** 2 + imaginary[k]! ** 2);
  };
}

/** The lowest `bits` bits in opposite order. */
function reverse(value: number, bits: number): number {
  let result = 0;
  for (let bit = 0; bit < bits; bit++) result |= ((value >> bit) & 1) << (bits - 1 - bit);
  return result;
}
