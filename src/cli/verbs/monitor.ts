import logUpdate from 'log-update';
import { loadBoard } from '../../boards/load-board.js';
import { ThimbleError } from '../../core/errors.js';
import type { Reading } from '../../core/reading.js';
import { summarizeLatencies } from '../../evaluate/latency-summary.js';
import { VIRTUAL } from '../../pipeline/find-port.js';
import { loadModel, requireInt8 } from '../../pipeline/load-model.js';
import { type BoardSession, connectBoard, openModelOnBoard } from '../../pipeline/open-board.js';
import { watchBoard } from '../../pipeline/watch-board.js';
import { portSearch } from '../choose-port.js';
import type { Context } from '../context.js';
import { type LiveState, liveView } from '../live-view.js';
import { type PortFlags, positiveInteger, withPort } from '../options.js';
import { type InferenceReading, openReadingFiles, type ReadingFiles, type ReadingPaths } from '../reading-files.js';
import { cableText, clockText, latencyText, memoryText, originText } from '../reading-text.js';
import { counted } from '../table.js';
import type { Verb } from './index.js';

/** Of which the picture shows the percentiles, and how often it is drawn: faster than this nobody reads. */
const RECENT = 1000;
const REDRAW_MS = 100;
/** Narrower, or of no known width (0), a terminal gets plain lines. */
const MIN_COLUMNS = 20;

interface Flags extends ReadingPaths, PortFlags {
  readonly board: string;
  readonly count?: number;
  readonly plain?: boolean;
}

export const monitor: Verb = (program, action) => {
  const command = program
    .command('monitor')
    .argument(
      '[model]',
      'the int8 .tflite that the board runs: gives the classes their names; needed with --port virtual',
    )
    .description(
      'stream latency and memory readings from a board; Ctrl-C ends it. A board that is unplugged is waited for',
    )
    .requiredOption('--board <board>', 'see thimble boards');
  withPort(command, ' (builds and starts the board’s twin)')
    .option('--count <n>', 'end after this many readings', positiveInteger)
    .option('--csv <file>', 'write the readings here as they come; a file that exists is not overwritten')
    .option('--jsonl <file>', 'the same as JSON, a line each')
    .option('--log <file>', 'what the screen says, with the time')
    .option('--plain', 'a line a reading also in a terminal, no picture')
    .addHelpText(
      'after',
      '\nExample:\n  thimble monitor --board pico --port /dev/ttyUSB0 --count 20\n  thimble monitor kws.tflite --board pico --csv readings.csv',
    )
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
  const { signal } = context;
  // Ctrl-C is how a stream ends: it stops the board, and must not make the connection fail.
  const connection = { ...portSearch(context), signal: undefined, port: flags.port, baud: flags.baud };
  let files: ReadingFiles | undefined;
  let session: BoardSession | undefined;
  try {
    session = model
      ? await openModelOnBoard(model, { ...connection, board: flags.board })
      : await connectBoard({ ...connection, board: loadBoard(flags.board) });
    files = openReadingFiles(flags); // not before: a board that does not answer leaves no empty files
    const { link, board } = session;
    const { origin } = link.identity;
    const labels = model?.graph.metadata?.labels ?? [];
    const readings: Reading[] = [];
    const say = (text: string) => {
      files?.log(text, new Date());
      context.print(text);
    };
    const clock = link.handshake.clockHz > 0 ? ` at ${clockText(link.handshake.clockHz)}` : '';
    say(`  ${board.name} runs "${link.handshake.model}"${clock}; figures are ${originText[origin]}`);
    const remark = (text: string) => {
      files?.log(text, new Date());
      context.log(text);
    };
    let memory = await link.memory();
    const picture = createPicture(context, flags, (recent) => ({
      recent,
      total: readings.length,
      answer: recent.length > 0 ? answerText(recent.at(-1)!, labels, link.handshake.outputBytes) : '',
      memory,
      board,
      columns: process.stdout.columns,
    }));
    const watched = await watchBoard(session, {
      count: flags.count,
      stop: signal,
      onReading: (reading) => {
        readings.push(reading);
        if (reading.kind !== 'inference') return;
        const now = new Date();
        files?.reading(reading, labels[reading.classIndex] ?? '', now);
        const line = readingLine(reading, labels, link.handshake.outputBytes);
        files?.log(line, now);
        if (picture) picture.show(reading);
        else context.print(line);
      },
      onGap: (missing, before) => {
        picture?.keep();
        remark(`  ${counted(missing, 'reading')} before #${before} did not come whole`);
      },
      onLost: (port) => {
        picture?.keep();
        const known =
          port.serialNumber === undefined ? 'it to come back' : `the board with USB serial number ${port.serialNumber}`;
        remark(`  ${port.path} went away; waiting for ${known} (Ctrl-C ends it)`);
      },
      onReturn: (path) => remark(`  the board is back on ${path}; its readings are numbered from 0 again`),
    });
    session = watched.session;
    picture?.keep();
    if (watched.connected) memory = await session.link.memory();
    const latency = summarizeLatencies(
      readings.flatMap((reading) => (reading.kind === 'inference' ? [reading.latency] : [])),
    );
    context.printJson({
      board: board.id,
      model: link.handshake.model,
      origin,
      clockHz: link.handshake.clockHz,
      readings,
      damagedLines: watched.damagedLines,
      missing: watched.missing,
      reconnections: watched.reconnections,
      latency,
      memory,
      link: session.link.statistics ?? null,
    });
    if (latency) {
      const text = (value: number) => latencyText({ value, unit: latency.unit });
      say(
        `\n  ${counted(latency.n, 'reading')}: median ${text(latency.median)}, p90 ${text(latency.p90)}, p99 ${text(latency.p99)}`,
      );
    }
    const parts = partsText(readings);
    if (parts !== '') say(parts);
    if (watched.missing > 0) say(`  missing: ${counted(watched.missing, 'reading')} that the board numbered`);
    if (watched.damagedLines > 0) say(`  left out: ${counted(watched.damagedLines, 'damaged line')}`);
    const cable = cableText(session.link.statistics);
    if (cable !== '') say(`  ${cable}`);
    say(`  memory ${memoryText(memory)}`);
  } finally {
    files?.close();
    await session?.close();
  }
}

/** Medians of what goes before and behind an inference; '' of firmware that does not tell. */
function partsText(readings: readonly Reading[]): string {
  const median = (part: 'pre' | 'post'): string | undefined => {
    const summary = summarizeLatencies(
      readings.flatMap((reading) => (reading.kind === 'inference' && reading[part] ? [reading[part]] : [])),
    );
    return summary ? latencyText({ value: summary.median, unit: summary.unit }) : undefined;
  };
  const [pre, post] = [median('pre'), median('post')];
  return pre && post ? `  of it ${pre} to copy the input; after it ${post} to find the class` : '';
}

/** For a person at a terminal alone; undefined where plain lines are wanted. */
function createPicture(
  context: Context,
  { plain }: Flags,
  state: (recent: readonly InferenceReading[]) => LiveState,
): { show(reading: InferenceReading): void; keep(): void } | undefined {
  const fits = process.stdout.isTTY && process.stdout.columns >= MIN_COLUMNS;
  if (!fits || context.json || plain) return undefined;
  const recent: InferenceReading[] = [];
  let drawnAt = 0;
  const draw = () => logUpdate(liveView(state(recent)));
  return {
    show: (reading) => {
      recent.push(reading);
      if (recent.length > RECENT) recent.shift();
      if (Date.now() - drawnAt < REDRAW_MS) return;
      drawnAt = Date.now();
      draw();
    },
    keep: () => {
      if (recent.length === 0) return;
      draw();
      logUpdate.done();
    },
  };
}

export function readingLine(reading: InferenceReading, labels: readonly string[], outputBytes: number): string {
  const answer = answerText(reading, labels, outputBytes);
  return `  #${String(reading.sequence).padEnd(5)} ${latencyText(reading.latency).padStart(22)}   ${answer}`;
}

/** @param outputBytes of the model: with a single output there are no classes, and its value is the answer */
function answerText(reading: InferenceReading, labels: readonly string[], outputBytes: number): string {
  const label = labels[reading.classIndex] ?? `class ${reading.classIndex}`;
  const score = reading.score.toFixed(3);
  return outputBytes === 1 && labels.length === 0 ? `output ${score}` : `${label} (${score})`;
}
