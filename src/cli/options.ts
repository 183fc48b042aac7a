/** Flags that several verbs share, and how their texts become values. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Dataset } from '../core/dataset.js';
import { ThimbleError } from '../core/errors.js';
import { openDataset } from '../datasets/index.js';
import { type MlperfId, mlperfIds } from '../firmware/model-binding.js';
import { numberList } from '../pipeline/config.js';
import type { KernelOptions } from '../pipeline/emit-model.js';
import { type Optimize, optimizations } from '../plan/choose-implementations.js';

export interface DataOptions {
  readonly format?: string;
  readonly shape?: string;
  readonly resize?: boolean;
}

export interface PreprocessingOptions {
  readonly scale?: string;
  readonly offset?: string;
  readonly config?: string;
}

export const withDataFormat = (command: Command): Command =>
  command
    .option(
      '--format <format>',
      'what the data is, where its content does not tell: npz, csv, images, idx, cifar10, mnist-json, int8-records',
    )
    .option('--shape <shape>', 'of one sample, for formats that do not say: 49,10,1')
    .option('--resize', 'resize images to the model’s size');

export const withPreprocessing = (command: Command): Command =>
  command
    .option(
      '--scale <numbers>',
      'raw · scale + offset is what the model was trained on; one number or one per channel (default: 1)',
    )
    .option('--offset <numbers>', 'see --scale (default: 0)')
    .option('--config <file>', 'project file (default: thimble.config.json beside the model, if there is one)');

export interface PortFlags {
  readonly port: string;
  readonly baud?: number;
}

/** @param virtual what --port virtual does, or null where the verb has no use for it */
export const withPort = (command: Command, virtual: string | null): Command =>
  command
    .option('--port <port>', `serial port, auto${virtual === null ? '' : `, or virtual${virtual}`}`, 'auto')
    .option('--baud <n>', 'line speed of the firmware (default: the board’s; others are tried)', positiveInteger);

export interface KernelFlags {
  readonly optimize: Optimize;
  readonly maxFlash?: number;
  readonly maxRam?: number;
}

export interface BenchmarkFlags {
  readonly mlperfId?: MlperfId;
}

export const withMlperfId = (command: Command): Command =>
  command.addOption(
    new Option('--mlperf-id <id>', 'what the firmware tells MLPerf Tiny’s runner that its model is').choices(mlperfIds),
  );

export const withOptimize = (command: Command): Command =>
  command.addOption(
    new Option('--optimize <what>', 'what the kernels are chosen for').choices(optimizations).default('balanced'),
  );

export const withKernelChoice = (command: Command): Command =>
  withOptimize(command)
    .option('--max-flash <bytes>', 'budget of weights and code of the model: 40960 or 40KiB', byteCount)
    .option('--max-ram <bytes>', 'budget of the arena: 8000 or 8KiB', byteCount);

export const kernelOptions = ({ optimize, maxFlash, maxRam }: KernelFlags): KernelOptions => ({
  optimize,
  maxFlashBytes: maxFlash,
  maxRamBytes: maxRam,
});

/** '40960', '40KiB', '40k' or '2MiB' as bytes. */
export function byteCount(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*(k|ki?b|m|mi?b|b)?$/i.exec(text.trim()) ?? [];
  const value =
    Number(number) * { '': 1, b: 1, k: 1024, m: 1024 ** 2 }[unit.charAt(0).toLowerCase() as '' | 'b' | 'k' | 'm'];
  if (number !== '' && value >= 1) return Math.floor(value);
  throw new InvalidArgumentError('It takes bytes: 40960, 40KiB or 2MiB.');
}

/** @param expected shape of the model's input without batch, to choose channels and to resize images */
export function openData(
  path: string,
  options: DataOptions,
  expected: readonly number[] | undefined,
): Promise<Dataset> {
  const shape = options.shape === undefined ? undefined : numberList('--shape', options.shape);
  return openDataset(path, {
    ...(options.format !== undefined && { format: options.format }),
    ...(shape && { shape }),
    ...(expected && { expectedShape: expected }),
    ...(options.resize !== undefined && { resize: options.resize }),
  });
}

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('It takes a whole number above 0.');
}

export function nonNegativeInteger(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new InvalidArgumentError('It takes a whole number, 0 or above.');
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('It takes a number above 0.');
}

export function nonNegativeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError('It takes a number, 0 or above.');
}

/** 'channels=0.5' → 0.5. @throws ThimbleError E_USAGE */
export function pruneRatio(text: string): number {
  const ratio = Number(/^channels=(.+)$/.exec(text)?.[1] ?? Number.NaN);
  if (ratio >= 0 && ratio < 1) return ratio;
  throw new ThimbleError(
    'E_USAGE',
    `--prune takes channels=RATIO with a ratio from 0 to below 1, not "${text}"`,
    '--prune channels=0.5 removes half of the channels.',
  );
}
