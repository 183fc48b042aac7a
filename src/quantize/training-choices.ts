/** The part of a recipe that says how to train: after pruning (`training`), and with fake quantization (`qat`). */
import { z } from 'zod';

const pixels = z.int().min(0).max(64);

// Without defaults, so that a recipe that does not use a key is the same JSON as ever, and hashes the same. What is left
// open is what src/train/fine-tune.ts and src/train/quantize-aware.ts say.
const keys = {
  epochs: z.int().min(0).max(1000).optional(),
  batchSize: z.int().min(1).max(4096).optional(),
  learningRate: z.number().gt(0).max(1).optional(),
  /** cosine: the learning rate falls to 0 at the end. */
  schedule: z.enum(['cosine', 'constant']).optional(),
  /** Share of all steps in which the learning rate rises to its full height. */
  warmUp: z.number().min(0).lt(1).optional(),
  optimizer: z.enum(['adam', 'sgd']).optional(),
  /** Of sgd. */
  momentum: z.number().min(0).lt(1).optional(),
  weightDecay: z.number().min(0).lt(1).optional(),
  /** Share of every class held out of the training samples to choose the best epoch; 0 keeps the last. */
  validationFraction: z.number().min(0).lt(1).optional(),
  /** Random changes to images that leave their class alone. */
  augment: z
    .strictObject({
      /** Left to right: not for digits, letters or spectra. */
      flip: z.boolean().optional(),
      /** Up to so many pixels each way, or [rows, columns]. */
      shift: z.union([pixels, z.tuple([pixels, pixels])]).optional(),
    })
    .optional(),
  /** Learn also from the answers of the model before pruning and quantization. */
  distill: z
    .strictObject({
      temperature: z.number().gt(0).max(100).optional(),
      /** Share of the teacher in what is learned; the labels have the rest. */
      alpha: z.number().min(0).max(1).optional(),
    })
    .optional(),
};

export const trainingSchema = z.strictObject({
  ...keys,
  /** Normalize the sums of convolutions batch by batch while training; folded away afterwards. */
  batchNorm: z.boolean().optional(),
});

export const qatSchema = z.strictObject({
  ...keys,
  /** Ranges of activations: they follow what passes through (moving-average), or stay as calibrated. */
  ranges: z.enum(['moving-average', 'calibrated']).optional(),
  /** moving-average: share of the old range that each batch leaves. */
  rangeMomentum: z.number().min(0).lt(1).optional(),
});

export type TrainingChoices = z.infer<typeof trainingSchema>;
export type QatChoices = z.infer<typeof qatSchema>;

/** The keys that a person has set. */
export const withoutOpen = <T extends object>(choices: T): { [key in keyof T]: Exclude<T[key], undefined> } =>
  Object.fromEntries(Object.entries(choices).filter(([, value]) => value !== undefined)) as {
    [key in keyof T]: Exclude<T[key], undefined>;
  };
