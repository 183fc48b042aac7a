import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { loadBoard } from '../../boards/load-board.js';
import type { BoardSpec } from '../../core/board-spec.js';
import type { Dataset } from '../../core/dataset.js';
import { ThimbleError } from '../../core/errors.js';
import type { Latency, Reading } from '../../core/reading.js';
import { summarizeLatencies } from '../../evaluate/latency-summary.js';
import { missingToolchain } from '../../firmware/build-project.js';
import { refuseWithoutTemplate } from '../../firmware/template.js';
import { type Built, build, requireImage } from '../../pipeline/build.js';
import type { Compressed } from '../../pipeline/compress.js';
import { chosenPreprocessing, findConfig } from '../../pipeline/config.js';
import { emitToFolder, modelNameOf } from '../../pipeline/emit-model.js';
import { type LoadedModel, loadModel, sampleShapeOf } from '../../pipeline/load-model.js';
import { connectBoard } from '../../pipeline/open-board.js';
import { mismatchError, type VerifyReport, verifyOnBoard } from '../../pipeline/verify.js';
import { writeCompressed } from '../../pipeline/write-compressed.js';
import { portSearch } from '../choose-port.js';
import type { Context } from '../context.js';
import { deploySummary } from '../deploy-summary.js';
import { errorJson } from '../error-text.js';
import {
  type BenchmarkFlags,
  type KernelFlags,
  kernelOptions,
  openData,
  type PortFlags,
  positiveInteger,
  positiveNumber,
  withKernelChoice,
  withMlperfId,
  withPort,
} from '../options.js';
import { originText } from '../reading-text.js';
import { useText } from './build.js';
import { indicesOf } from './compare.js';
import { type CompressFlags, compressFromFlags, stageTable, withCompression } from './compress.js';
import type { Verb } from './index.js';
import { readingLine } from './monitor.js';

interface Flags extends Omit<CompressFlags, 'data'>, KernelFlags, BenchmarkFlags, PortFlags {
  readonly data?: string;
  readonly board?: string;
  readonly drive?: string;
  readonly output?: string;
  readonly verify: number;
  readonly count: number;
  readonly timeout?: number;
}

export const deploy: Verb = (program, action) => {
  const command = program
    .command('deploy')
    .argument('<model>', 'a float model, or an int8 .tflite, which is taken as it is')
    .description('all of it: compress, emit, build, flash, verify on the device, stream readings')
    .option('--data <data>', 'samples: they calibrate a float model and are verified on the device')
    .option('--board <board>', 'see thimble boards (default: from thimble.config.json)');
  withPort(command, ' (the board’s twin on this computer)')
    .option('--drive <folder>', 'the board’s USB drive, where it is not found by itself')
    .option('-o, --output <folder>', 'where model, C sources and firmware go (default: .thimble/MODEL-BOARD)')
    .option('--verify <n>', 'samples to verify on the device', positiveInteger, 50)
    .option('--count <n>', 'readings to stream at the end', positiveInteger, 10)
    .option('--timeout <seconds>', 'of one inference', positiveNumber);
  withCompression(withMlperfId(withKernelChoice(command)))
    .addHelpText('after', '\nExample:\n  thimble deploy model.json --data digits.npz --board pico --port virtual')
    .action(action(run));
};

async function run(context: Context, path: string, flags: Flags): Promise<void> {
  const { config } = findConfig(path, flags.config);
  const board = boardOf(flags.board ?? config.board);
  refuseWithoutTemplate(board); // not after minutes of training
  const missing = missingToolchain(board);
  if (missing !== undefined)
    context.log(
      `  ${missing} is not ready here: the project for ${board.name} will be made, but neither built nor flashed`,
    );
  const output = flags.output ?? join('.thimble', `${config.name ?? modelNameOf(path)}-${board.id}`);
  const { model, source, compressed, data } = await int8ModelOf(context, path, flags, output);
  const { onEvent, signal } = context;

  const kernels = kernelOptions(flags);
  const name = config.name ?? (compressed ? modelNameOf(path) : undefined);
  emitToFolder(model, join(output, 'c-model'), { as: 'c-model', name, board, ...kernels });
  emitToFolder(model, join(output, 'tflm'), { as: 'c-array' });
  const { mlperfId } = flags;
  const built = await build(model, {
    ...{ board, folder: join(output, 'firmware'), name, mlperfId, ...kernels, onEvent, signal },
  });
  const image = requireImage(built, join(output, 'firmware'));
  context.print(useText(built.use, built.template));

  const timeoutMs = flags.timeout === undefined ? undefined : flags.timeout * 1000;
  const session = await connectBoard({
    ...portSearch(context),
    board,
    port: flags.port,
    baud: flags.baud,
    image,
    drive: flags.drive,
    timeoutMs,
  });
  try {
    const preprocessing = chosenPreprocessing(flags, config, model.graph.metadata?.preprocessing);
    const verified =
      data &&
      (await verifyOnBoard(session.link, model, data, {
        indices: indicesOf(data, flags.verify),
        preprocessing,
        onEvent,
        signal,
      }));
    if (verified?.stopped) throw verified.stopped;
    const { origin } = session.link.identity;
    context.print(`\n  readings of the last sample, ${originText[origin]}:`);
    const latencies = await streamReadings(context, session.link, model, flags.count);
    const memory = await session.link.memory();
    const figures = {
      board,
      source,
      model,
      compressed,
      built,
      verified: verified ?? null,
      memory,
      origin,
      latency: summarizeLatencies(latencies),
    };
    const mismatch = verified ? mismatchError(verified) : null;
    context.printJson({ ...jsonOf(figures, output), ...(mismatch && errorJson(mismatch)) });
    context.print(`\n${deploySummary(figures, output, context)}`);
    if (mismatch) throw mismatch;
  } finally {
    await session.close();
  }
}

function boardOf(name: string | undefined): BoardSpec {
  if (name !== undefined) return loadBoard(name);
  throw new ThimbleError('E_USAGE', 'no board was named', [
    'Add --board pico, or another of thimble boards.',
    'Or put "board" into thimble.config.json.',
  ]);
}

interface Int8Model {
  readonly model: LoadedModel;
  readonly source: LoadedModel; // what the person gave
  readonly compressed: Compressed | null;
  readonly data: Dataset | null;
}

/** A float model is compressed and written first; an int8 one is taken as it is. */
async function int8ModelOf(context: Context, path: string, flags: Flags, output: string): Promise<Int8Model> {
  const source = await loadModel(path);
  if (source.kind === 'int8') {
    const from = flags.test ?? flags.data;
    return {
      model: source,
      source,
      compressed: null,
      data: from === undefined ? null : await openData(from, flags, sampleShapeOf(source)),
    };
  }
  if (flags.data === undefined)
    throw new ThimbleError(
      'E_USAGE',
      `${path} is a float model: quantizing it takes representative samples`,
      'Add --data DATA; an int8 .tflite needs none.',
    );
  const checkpoints = join(output, 'training');
  const { compressed, data } = await compressFromFlags(context, source, { ...flags, data: flags.data }, checkpoints);
  writeCompressed(output, source, compressed);
  rmSync(checkpoints, { recursive: true, force: true });
  context.print(stageTable(compressed, source, context));
  context.print('');
  return { model: await loadModel(join(output, 'model.tflite')), source, compressed, data };
}

async function streamReadings(
  context: Context,
  link: Awaited<ReturnType<typeof connectBoard>>['link'],
  model: LoadedModel,
  count: number,
): Promise<Latency[]> {
  const latencies: Latency[] = [];
  const labels = model.graph.metadata?.labels ?? [];
  const onReading = (reading: Reading) => {
    if (reading.kind !== 'inference') return;
    latencies.push(reading.latency);
    context.print(readingLine(reading, labels, link.handshake.outputBytes));
  };
  await link.stream(onReading, { count, stop: context.signal });
  return latencies;
}

export interface DeployFigures extends Omit<Int8Model, 'data'> {
  readonly board: BoardSpec;
  readonly built: Built;
  readonly verified: VerifyReport | null;
  readonly memory: import('../../core/reading.js').MemoryReading;
  readonly origin: import('../../core/reading.js').Origin;
  readonly latency: ReturnType<typeof summarizeLatencies>;
}

const jsonOf = (
  { board, source, model, compressed, built, verified, memory, origin, latency }: DeployFigures,
  output: string,
) => ({
  board: board.id,
  folder: output,
  source: { file: source.path, kind: source.kind, bytes: source.fileBytes },
  model: { file: model.path, bytes: model.fileBytes, sha256: model.sha256 },
  stages:
    compressed?.stages.map(({ stage, parameters, macs, fileBytes, score }) => ({
      stage,
      parameters,
      macs,
      fileBytes,
      accuracy: score?.accuracy ?? null,
    })) ?? null,
  image: built.image && (built.image.uf2 ?? built.image.executable),
  use: built.use,
  arenaBytes: built.arenaBytes,
  weightBytes: built.weightBytes,
  verified,
  memory,
  origin,
  latency,
});
