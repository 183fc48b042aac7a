/**
 * Spoken digits as a keyword spotter sees them: one second of sound as 49 × 10 MFCC. Split by speaker, so that the
 * score is that of voices that were never heard.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import wavefile from 'wavefile';
import type { Dataset } from '../../../src/core/dataset.js';
import { createMfcc, keywordMfcc } from '../../../src/dsp/mfcc/mfcc.js';
import { sharedPath } from '../../../tests/shared-folder.js';

const sampleRateHz = 8000;
const trainSpeakers = ['george', 'jackson', 'lucas', 'nicolas'];
const testSpeakers = ['theo', 'yweweler'];
const coefficients = keywordMfcc.coefficients;

interface Clip {
  readonly file: string;
  readonly digit: number;
  readonly speaker: string;
  readonly features: Float32Array;
}

export interface SpokenDigits {
  readonly train: Dataset; // 2,000 clips
  readonly test: Dataset; // 1,000 clips of two other speakers
}

/** Every coefficient is moved and scaled by its mean and deviation over the training clips. */
export function openSpokenDigits(): SpokenDigits {
  const folder = sharedPath('data/spoken-digits');
  const mfcc = createMfcc({ ...keywordMfcc, sampleRateHz });
  const clips = readdirSync(folder)
    .filter((file) => file.endsWith('.wav'))
    .sort()
    .map((file): Clip => {
      const [digit = '', speaker = ''] = file.split('_');
      return { file, digit: Number(digit), speaker, features: mfcc.extract(soundOf(join(folder, file))) };
    });
  const of = (speakers: readonly string[]): readonly Clip[] => clips.filter((clip) => speakers.includes(clip.speaker));
  const train = of(trainSpeakers);
  const normalized = normalizerOf(train);
  const dataset = (name: string, chosen: readonly Clip[]) => datasetOf(name, mfcc.shape, chosen, normalized);
  return { train: dataset('four speakers', train), test: dataset('two other speakers', of(testSpeakers)) };
}

/** −1 … 1. */
function soundOf(path: string): Float64Array {
  const wav = new wavefile.WaveFile(readFileSync(path));
  const { sampleRate, numChannels } = wav.fmt as { readonly sampleRate: number; readonly numChannels: number };
  if (sampleRate !== sampleRateHz || numChannels !== 1)
    throw new Error(`${path}: ${sampleRate} Hz, ${numChannels} channels; ${sampleRateHz} Hz mono is needed`);
  return Float64Array.from(wav.getSamples(false, Int16Array), (value) => value / 32768);
}

type Normalizer = (features: Float32Array) => Float32Array;

function normalizerOf(clips: readonly Clip[]): Normalizer {
  const [mean, square] = [new Float64Array(coefficients), new Float64Array(coefficients)];
  let frames = 0;
  for (const { features } of clips) {
    frames += features.length / coefficients;
    for (const [i, value] of features.entries()) {
      mean[i % coefficients]! += value;
      square[i % coefficients]! += value * value;
    }
  }
  const center = mean.map((sum) => sum / frames);
  const deviation = square.map((sum, c) => Math.sqrt(sum / frames - center[c]! ** 2));
  return (features) => features.map((value, i) => (value - center[i % coefficients]!) / deviation[i % coefficients]!);
}

function datasetOf(name: string, shape: readonly number[], clips: readonly Clip[], normalized: Normalizer): Dataset {
  const samples = clips.map(({ features }) => normalized(features));
  const hash = createHash('sha256');
  for (const [i, { file }] of clips.entries()) hash.update(file).update(samples[i]!);
  return {
    name,
    sampleCount: clips.length,
    shape,
    values: 'raw',
    labels: Array.from({ length: 10 }, (_, digit) => String(digit)),
    sha256: hash.digest('hex'),
    sample: (index) => samples[index]!,
    classOf: (index) => clips[index]!.digit,
  };
}
