import type { MemoryReading, Origin } from '../../core/reading.js';
import { summarizeLatencies } from '../../evaluate/latency-summary.js';
import { chosenPreprocessing, findConfig } from '../../pipeline/config.js';
import { loadModel, requireInt8, sampleShapeOf } from '../../pipeline/load-model.js';
import { openModelOnBoard } from '../../pipeline/open-board.js';
import { mismatchError, type VerifyReport, verifyOnBoard } from '../../pipeline/verify.js';
import { portSearch } from '../choose-port.js';
import type { Context } from '../context.js';
import { errorJson } from '../error-text.js';
import {
  type DataOptions,
  openData,
  type PortFlags,
  type PreprocessingOptions,
  positiveInteger,
  positiveNumber,
  withDataFormat,
  withPort,
  withPreprocessing,
} from '../options.js';
import { cableText, latencyText, memoryText, originText } from '../reading-text.js';
import { countText, percentText } from '../table.js';
import { indicesOf } from './compare.js';
import type { Verb } from './index.js';

interface Flags extends DataOptions, PreprocessingOptions, PortFlags {
  readonly data: string;
  readonly board: string;
  readonly limit?: number;
  readonly timeout?: number;
}

export const verify: Verb = (program, action) => {
  const command = program
    .command('verify')
    .argument('<model>', 'the int8 .tflite that the board runs')
    .description('send samples to the board and hold its output bytes against the host’s; score the data on the device')
    .requiredOption('--data <data>', 'samples')
    .requiredOption('--board <board>', 'see thimble boards');
  withPort(command, ' (builds and starts the board’s twin)')
    .option('--limit <n>', 'this many samples, class-stratified (default: all)', positiveInteger)
    .option('--timeout <seconds>', 'of one inference', positiveNumber);
  withPreprocessing(withDataFormat(command))
    .addHelpText(
      'after',
      '\nExample:\n  thimble verify small/model.tflite --data test.npz --board pico --port virtual --limit 50',
    )
    .action(action(run));
};

async function run(context: Context, path: string, flags: Flags): Promise<void> {
  const model = await loadModel(path);
  requireInt8(model, 'verify');
  const { config } = findConfig(path, flags.config);
  const data = await openData(flags.data, flags, sampleShapeOf(model));
  const { onEvent, signal } = context;
  const timeoutMs = flags.timeout === undefined ? undefined : flags.timeout * 1000;
  const session = await openModelOnBoard(model, {
    ...portSearch(context),
    board: flags.board,
    port: flags.port,
    baud: flags.baud,
    timeoutMs,
  });
  try {
    const preprocessing = chosenPreprocessing(flags, config, model.graph.metadata?.preprocessing);
    const report = await verifyOnBoard(session.link, model, data, {
      indices: indicesOf(data, flags.limit),
      preprocessing,
      onEvent,
      signal,
    });
    const memory = report.stopped ? null : await session.link.memory(); // who was stopped may have lost the board
    const { origin } = session.link.identity;
    const { stopped, ...figures } = report;
    const failure = mismatchError(report) ?? stopped;
    context.printJson({
      board: session.board.id,
      origin,
      ...figures,
      latency: summarizeLatencies(report.latencies),
      memory,
      link: session.link.statistics ?? null,
      ...(failure && errorJson(failure)),
    });
    context.print(verifyText(report, memory, origin, session.board.name));
    const cable = cableText(session.link.statistics);
    if (cable !== '') context.print(`  ${cable}`);
    if (failure) throw failure;
  } finally {
    await session.close();
  }
}

export function verifyText(
  report: VerifyReport,
  memory: MemoryReading | null,
  origin: Origin,
  boardName: string,
): string {
  const { n, bitExact, accuracy, referenceAccuracy } = report;
  const latency = summarizeLatencies(report.latencies);
  const lines = [`  ${boardName}: ${bitExact} of ${n} samples bit-exact with the host`];
  if (n < report.wanted) lines.push(`  stopped before all ${countText(report.wanted)} samples were run`);
  if (accuracy && referenceAccuracy)
    lines.push(
      `  accuracy on the device ${percentText(accuracy.value, 2)} (${accuracy.hits}/${accuracy.n}, 95 % ${percentText(accuracy.low)} … ${percentText(accuracy.high)}), host ${percentText(referenceAccuracy.value, 2)}`,
    );
  if (report.sameClass && report.sameClass.hits < n)
    lines.push(`  the same class as on the host in ${report.sameClass.hits} of ${n}`);
  if (latency) {
    const text = (value: number) => latencyText({ value, unit: latency.unit });
    lines.push(`  latency median ${text(latency.median)}, p99 ${text(latency.p99)}  (${originText[origin]})`);
  }
  if (memory) lines.push(`  memory ${memoryText(memory)}`);
  return lines.join('\n');
}
