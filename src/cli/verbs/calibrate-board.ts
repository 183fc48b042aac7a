import { calibrateBoard } from '../../pipeline/calibrate-board.js';
import { calibrationPath, saveCalibration } from '../../pipeline/calibration-file.js';
import { loadModel, requireInt8 } from '../../pipeline/load-model.js';
import { openModelOnBoard } from '../../pipeline/open-board.js';
import type { Optimize } from '../../plan/choose-implementations.js';
import { portSearch } from '../choose-port.js';
import type { Context } from '../context.js';
import { type PortFlags, positiveInteger, withOptimize, withPort } from '../options.js';
import { originText } from '../reading-text.js';
import { countText } from '../table.js';
import type { Verb } from './index.js';

interface Flags extends PortFlags {
  readonly board: string;
  readonly runs: number;
  readonly optimize: Optimize;
}

export const calibrateBoardVerb: Verb = (program, action) => {
  const command = program
    .command('calibrate-board')
    .argument('<model>', 'the int8 .tflite that the board runs (thimble deploy puts it there)')
    .description('time a model on a board once, so that inspect --board estimates the latency of others from it')
    .requiredOption('--board <board>', 'see thimble boards')
    .option('--runs <n>', 'inferences; the median counts', positiveInteger, 20);
  withOptimize(withPort(command, ' (builds and starts the board’s twin)'))
    .addHelpText(
      'after',
      '\nExample:\n  thimble calibrate-board kws.tflite --board pico\n  thimble inspect other.tflite --board pico\nThe larger the model, the better: take one that is like those you will ask about.',
    )
    .action(action(run));
};

async function run(context: Context, path: string, flags: Flags): Promise<void> {
  const model = await loadModel(path);
  requireInt8(model, 'calibrate-board');
  const { onEvent } = context;
  const { board, port, baud, runs, optimize } = flags;
  const session = await openModelOnBoard(model, { ...portSearch(context), board, port, baud });
  try {
    const date = new Date().toISOString().slice(0, 10);
    const calibration = await calibrateBoard(session, model, { runs, optimize, date, onEvent });
    const file = saveCalibration(calibration);
    context.printJson({ ...calibration, file });
    const { latencyUs, instructions, cyclesPerInstruction, spread, clockHz, origin } = calibration;
    context.print(
      [
        `  ${session.board.name}: ${(latencyUs / 1000).toFixed(3)} ms at ${clockHz / 1e6} MHz for ${countText(instructions)} predicted instructions  (${originText[origin]})`,
        `  ${cyclesPerInstruction.toFixed(2)} cycles an instruction; its layers lie within ± ${Math.round(spread * 100)} %`,
        `  kept in ${calibrationPath(session.board.id)}; thimble inspect --board ${session.board.id} uses it`,
      ].join('\n'),
    );
  } finally {
    await session.close();
  }
}
