/** thimble.config.json: what a project knows about its model that the model file does not say. */
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { ThimbleError } from '../core/errors.js';
import type { Preprocessing } from '../core/graph.js';
import { readFileOf } from '../files/read-file.js';

const numberOrList = z
  .union([z.number(), z.array(z.number()).min(1)])
  .transform((value) => (typeof value === 'number' ? [value] : value));

const schema = z.strictObject({
  $schema: z.string().optional(),
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_]*$/, 'must be a C identifier in lower case')
    .optional(), // of the C model
  labels: z.array(z.string()).min(1).optional(), // one per class, in output order
  /** raw · scale + offset gives what the model was trained on; one number, or one per channel. */
  preprocessing: z.strictObject({ scale: numberOrList.default([1]), offset: numberOrList.default([0]) }).optional(),
  board: z.string().optional(),
});
export type ProjectConfig = z.infer<typeof schema>;

export interface FoundConfig {
  readonly config: ProjectConfig;
  readonly path: string | null; // null = there is none
}

/**
 * The file that was asked for, or thimble.config.json beside the model.
 * @throws ThimbleError E_FILE, E_CONFIG with every fault and its key
 */
export function findConfig(modelPath: string, explicit: string | undefined): FoundConfig {
  const folder = existsSync(modelPath) && statSync(modelPath).isDirectory() ? modelPath : dirname(modelPath);
  const path = explicit ?? join(folder, 'thimble.config.json');
  if (explicit === undefined && !existsSync(path)) return { config: {}, path: null };
  return { config: parseConfig(path, readFileOf('the configuration', path)), path };
}

function parseConfig(path: string, bytes: Uint8Array): ProjectConfig {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new ThimbleError('E_CONFIG', `${path} is not JSON`, 'Mend the place that the line below names.', { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(
    (issue) => `$${issue.path.map((key) => `.${String(key)}`).join('')}: ${issue.message}`,
  );
  throw new ThimbleError(
    'E_CONFIG',
    `${path}: ${faults.join('; ')}`,
    'Allowed keys: name, labels, preprocessing { scale, offset }, board.',
  );
}

/** '0.5' or '0.5,0.25,0.25' of a flag. @throws ThimbleError E_USAGE */
export function numberList(flag: string, text: string): number[] {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (numbers.every(Number.isFinite)) return numbers;
  throw new ThimbleError(
    'E_USAGE',
    `${flag} takes a number, or one per channel separated by commas, not "${text}"`,
    `For example: ${flag} 0.00392156862745098`,
  );
}

/** Flags over the project's file over what the model itself carries. */
export function chosenPreprocessing(
  flags: { scale?: string | undefined; offset?: string | undefined },
  config: ProjectConfig,
  ofModel: Preprocessing | undefined,
): Preprocessing | undefined {
  if (flags.scale !== undefined || flags.offset !== undefined)
    return {
      scale: flags.scale === undefined ? [1] : numberList('--scale', flags.scale),
      offset: flags.offset === undefined ? [0] : numberList('--offset', flags.offset),
    };
  return config.preprocessing ?? ofModel;
}
