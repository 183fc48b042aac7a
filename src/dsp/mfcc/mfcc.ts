/**
 * Mel-frequency cepstral coefficients: what a keyword spotter looks at instead of the waveform. Frames → Hann window →
 * power spectrum → triangular filters, evenly spaced in mel → logarithm → discrete cosine transform.
 */
import { ThimbleError } from '../../core/errors.js';
import { powerSpectrum } from './fft.js';

export interface MfccOptions {
  readonly sampleRateHz: number;
  readonly windowMs: number;
  readonly strideMs: number;
  readonly frames: number; // a clip that is shorter is padded with silence on both sides, a longer one is cut
  readonly filters: number; // mel bands
  readonly coefficients: number; // the first ones of the cosine transform
  readonly lowHz: number;
  readonly highHz: number; // at most half the sample rate
  readonly floor: number; // added to each band's energy before the logarithm: silence stays finite
}

/** One second as 49 × 10, the shape of the MLPerf Tiny keyword spotter: frames of 40 ms, 20 ms apart. */
export const keywordMfcc: Omit<MfccOptions, 'sampleRateHz'> = {
  windowMs: 40,
  strideMs: 20,
  frames: 49,
  filters: 40,
  coefficients: 10,
  lowHz: 20,
  highHz: 4000,
  floor: 1e-6,
};

export interface Mfcc {
  readonly shape: readonly [frames: number, coefficients: number, channels: 1];
  readonly samples: number; // that one clip covers
  /** @param clip −1 … 1. @returns frames × coefficients, row-major */
  extract(clip: ArrayLike<number>): Float32Array;
}

/**
 * Tables are made once; `extract` may be called for any number of clips, one at a time.
 * @throws ThimbleError E_CONFIG for options that make no sense together
 */
export function createMfcc(options: MfccOptions): Mfcc {
  checkOptions(options);
  const { sampleRateHz, frames, filters, coefficients, floor } = options;
  const window = Math.round((sampleRateHz * options.windowMs) / 1000);
  const stride = Math.round((sampleRateHz * options.strideMs) / 1000);
  const samples = window + (frames - 1) * stride;
  const spectrumOf = powerSpectrum(2 ** Math.ceil(Math.log2(window)));
  // Periodic, as for spectra: the frame is one period of the window.
  const hann = Float64Array.from({ length: window }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / window));
  const bands = melFilters(options, 2 ** Math.ceil(Math.log2(window)));
  const cosines = cosineTransform(filters, coefficients);
  const frame = new Float64Array(window);
  const logs = new Float64Array(filters);

  return {
    shape: [frames, coefficients, 1],
    samples,
    extract(clip) {
      const result = new Float32Array(frames * coefficients);
      const begin = Math.floor((clip.length - samples) / 2); // negative: silence before the clip
      for (let t = 0; t < frames; t++) {
        for (let i = 0; i < window; i++) frame[i] = hann[i]! * (clip[begin + t * stride + i] ?? 0);
        const spectrum = spectrumOf(frame);
        for (const [band, { first, weights }] of bands.entries()) {
          let energy = 0;
          for (let k = 0; k < weights.length; k++) energy += weights[k]! * spectrum[first + k]!;
          logs[band] = Math.log(energy + floor);
        }
        for (let c = 0; c < coefficients; c++) {
          let sum = 0;
          for (let band = 0; band < filters; band++) sum += cosines[c * filters + band]! * logs[band]!;
          result[t * coefficients + c] = sum;
        }
      }
      return result;
    },
  };
}

/** Hz to mel, O'Shaughnessy's formula, as HTK and TensorFlow have it. */
export const melOf = (hz: number): number => 1127 * Math.log(1 + hz / 700);

interface Band {
  readonly first: number; // bin of the spectrum
  readonly weights: Float64Array;
}

/** Triangles whose corners are evenly spaced in mel, each from its neighbour's peak to the next one's; peak 1. */
function melFilters({ filters, lowHz, highHz, sampleRateHz }: MfccOptions, length: number): readonly Band[] {
  const [low, high] = [melOf(lowHz), melOf(highHz)];
  const corner = (i: number): number => low + ((high - low) * i) / (filters + 1);
  const bins = Array.from({ length: length / 2 + 1 }, (_, k) => melOf((k * sampleRateHz) / length));
  return Array.from({ length: filters }, (_, band) => {
    const [left, peak, right] = [corner(band), corner(band + 1), corner(band + 2)];
    const heights = bins.map((mel) =>
      Math.max(0, Math.min((mel - left) / (peak - left), (right - mel) / (right - peak))),
    );
    const first = Math.max(
      0,
      heights.findIndex((height) => height > 0),
    );
    const last = heights.findLastIndex((height) => height > 0);
    return { first, weights: Float64Array.from(heights.slice(first, last + 1)) };
  });
}

/** The first rows of the orthonormal DCT-II, coefficients × inputs. */
function cosineTransform(inputs: number, coefficients: number): Float64Array {
  return Float64Array.from({ length: coefficients * inputs }, (_, at) => {
    const [row, i] = [Math.floor(at / inputs), at % inputs];
    const norm = Math.sqrt((row === 0 ? 1 : 2) / inputs);
    return norm * Math.cos((Math.PI * row * (i + 0.5)) / inputs);
  });
}

function checkOptions(o: MfccOptions): void {
  const window = (o.sampleRateHz * o.windowMs) / 1000;
  const whole = (what: string, value: number): string =>
    Number.isInteger(value) && value >= 1 && value <= 10_000
      ? ''
      : `${what} must be a whole number from 1 on, not ${value}`;
  const faults = [
    window >= 2 && window <= 2 ** 20
      ? ''
      : `a window of ${o.windowMs} ms at ${o.sampleRateHz} Hz has ${window} samples`,
    o.strideMs > 0 && o.sampleRateHz * o.strideMs >= 1000 ? '' : `a stride of ${o.strideMs} ms is less than a sample`,
    ...[whole('frames', o.frames), whole('filters', o.filters), whole('coefficients', o.coefficients)],
    o.coefficients <= o.filters ? '' : `${o.coefficients} coefficients out of ${o.filters} filters`,
    o.lowHz >= 0 && o.lowHz < o.highHz && o.highHz <= o.sampleRateHz / 2
      ? ''
      : `filters from ${o.lowHz} to ${o.highHz} Hz; the sample rate of ${o.sampleRateHz} Hz holds 0 to ${o.sampleRateHz / 2}`,
    o.floor > 0 ? '' : `the floor must be above 0, not ${o.floor}`,
  ].filter((fault) => fault !== '');
  if (faults.length > 0)
    throw new ThimbleError('E_CONFIG', `these MFCC options make no sense: ${faults.join('; ')}`, [
      'For speech at 8 or 16 kHz start from keywordMfcc.',
    ]);
}
