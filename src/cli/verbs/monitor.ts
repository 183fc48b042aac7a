import { loadBoard } from '../../boards/load-board.js';
import { ThimbleError } from '../../core/errors.js';
import type { Reading } from '../../core/reading.js';
import { summarizeLatencies } from '../../evaluate/latency-summary.js';
import { loadModel, requireInt8 } from '../../pipeline/load-model.js';
import { connectBoard, openModelOnBoard, VIRTUAL } from '../../pipeline/open-board.js';
import type { Context } from '../context.js';
import { positiveInteger } from '../options.js';
import { latencyText, memoryText, originText } from '../reading-text.js';
import { counted } from '../table.js';
import type { Verb } from './index.js';

interface Flags {
  readonly board: string;
  readonly port: string;
  readonly count?: number;
}

export const monitor: Verb = (program, action) => {
  program
    .command('monitor')
    .argument(
      '[model]',
      'the int8 .tflite that the board runs: gives the classes their names; needed with --port virtual',
    )
    .description('stream latency and memory readings from a board; Ctrl-C ends it')
    .requiredOption('--board <board>', 'see thimble boards')
    .option('--port <port>', 'serial port, auto, or virtual', 'auto')
    .option('--count <n>', 'end after this many readings', positiveInteger)
    .addHelpText('after', '\nExample:\n  thimble monitor --board pico --port /dev/ttyUSB0 --count 20')
    .action(action(run));
};

async function run(context: Context, path: string | undefined, flags: Flags): Promise<void> {
  const model = path === undefined ? undefined : await loadModel(path);
  if (model) requireInt8(model, 'monitor');
  if (!model && flags.port === VIRTUAL)
    throw new ThimbleError(
      'E_USAGE',
      'a virtual board has no firmware until a model is named',
      `thimble monitor MODEL --board ${flags.board} --port virtual`,
    );
  const { onEvent, signal } = context;
  // Ctrl-C is how a stream ends: it stops the board, and must not make the connection fail.
  const connection = { port: flags.port, onEvent };
  const session = model
    ? await openModelOnBoard(model, { ...connection, board: flags.board })
    : await connectBoard({ ...connection, board: loadBoard(flags.board) });
  try {
    const { link } = session;
    const labels = model?.graph.metadata?.labels ?? [];
    const readings: Reading[] = [];
    context.print(
      `  ${session.board.name} runs "${link.handshake.model}"; figures are ${originText[link.identity.origin]}`,
    );
    const show = (reading: Reading) => {
      readings.push(reading);
      if (reading.kind === 'inference') context.print(readingLine(reading, labels, link.handshake.outputBytes));
    };
    const report = await link.stream(show, { ...(flags.count !== undefined && { count: flags.count }), stop: signal });
    const memory = await link.memory();
    const latency = summarizeLatencies(
      readings.flatMap((reading) => (reading.kind === 'inference' ? [reading.latency] : [])),
    );
    context.printJson({
      board: session.board.id,
      model: link.handshake.model,
      origin: link.identity.origin,
      readings,
      damagedLines: report.damagedLines,
      latency,
      memory,
    });
    if (latency) {
      const text = (value: number) => latencyText({ value, unit: latency.unit });
      context.print(
        `\n  ${counted(latency.n, 'reading')}: median ${text(latency.median)}, p90 ${text(latency.p90)}, p99 ${text(latency.p99)}`,
      );
    }
    if (report.damagedLines > 0) context.print(`  left out: ${counted(report.damagedLines, 'damaged line')}`);
    context.print(`  memory ${memoryText(memory)}`);
  } finally {
    await session.close();
  }
}

/** @param outputBytes of the model: with a single output there are no classes, and its value is the answer */
export function readingLine(
  reading: Reading & { kind: 'inference' },
  labels: readonly string[],
  outputBytes: number,
): string {
  const label = labels[reading.classIndex] ?? `class ${reading.classIndex}`;
  const score = reading.score.toFixed(3);
  const answer = outputBytes === 1 && labels.length === 0 ? `output ${score}` : `${label} (${score})`;
  return `  #${String(reading.sequence).padEnd(5)} ${latencyText(reading.latency).padStart(22)}   ${answer}`;
}
