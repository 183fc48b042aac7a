/** One real run of a model on a board, and what an instruction takes there: the basis of later estimates. */
import { ThimbleError } from '../core/errors.js';
import { tensorOf } from '../core/graph.js';
import { seededRandom } from '../core/seeded-random.js';
import type { OnEvent } from '../core/stage-event.js';
import { byteCount } from '../core/tensor.js';
import type { DeviceLink } from '../device/protocol.js';
import { checkFirmware } from '../engines/device-engine.js';
import { summarizeLatencies } from '../evaluate/latency-summary.js';
import type { Calibration, TimedPart } from '../plan/estimate-latency.js';
import { fitCycles } from '../plan/estimate-latency.js';
import { cModelOf, type KernelOptions, modelNameOf } from './emit-model.js';
import type { LoadedModel } from './load-model.js';
import type { BoardSession } from './open-board.js';

export interface CalibrateOptions extends KernelOptions {
  readonly runs: number;
  readonly date: string;
  readonly onEvent?: OnEvent | undefined;
}

/**
 * The board must run the model with the kernels that `options` choose.
 * @throws ThimbleError E_USAGE behind an emulator that counts instructions, and on this computer; E_WRONG_FIRMWARE; what the link throws
 */
export async function calibrateBoard(
  { link, board }: Pick<BoardSession, 'link' | 'board'>,
  model: LoadedModel,
  options: CalibrateOptions,
): Promise<Calibration> {
  const { origin } = link.identity;
  if (origin !== 'device' && origin !== 'virtual-cycles')
    throw new ThimbleError(
      'E_USAGE',
      origin === 'virtual-instructions'
        ? `the virtual ${board.name} counts instructions and has no clock: there is nothing to fit`
        : `"${board.id}" is no microcontroller: there is nothing to fit`,
      ['Use a real board: --port auto', 'Instructions by layer: thimble bench MODEL --core CORE'],
    );
  checkFirmware(link, model.sha256);
  const { report } = cModelOf(model, { ...options, name: modelNameOf(model.path), board });
  const predicted = report.kernels.map(({ instructions }) => instructions);
  const instructions = predicted.reduce((sum, count) => sum + count, 0);
  await link.loadInput(anyInput(model));
  options.onEvent?.({ stage: 'calibrate', message: `${options.runs} runs on ${board.name}` });
  const readings = await link.run(options.runs, 1);
  const latencyUs = summarizeLatencies(readings.flatMap((each) => ('latency' in each ? [each.latency] : [])))!.median;
  const fit = fitCycles({ instructions, us: latencyUs }, await layerTimes(link, predicted), board.clockHz);
  return {
    board: board.id,
    origin,
    date: options.date,
    model: model.path.replace(/^.*[\\/]/, ''),
    optimize: options.optimize ?? 'balanced',
    clockHz: board.clockHz,
    latencyUs,
    instructions,
    cyclesPerInstruction: fit.value,
    spread: fit.spread,
  };
}

async function layerTimes(link: DeviceLink, predicted: readonly number[]): Promise<readonly TimedPart[]> {
  if (!link.handshake.hasLayerHooks) return [];
  return (await link.layers()).map(({ layer, latency }) => ({ instructions: predicted[layer]!, us: latency.value }));
}

/** Random bytes: kernels take the same way whatever they are, but for rare halves that are rounded. */
function anyInput({ graph }: LoadedModel): Uint8Array {
  const random = seededRandom(1);
  const bytes = graph.inputs.reduce((sum, name) => sum + byteCount(tensorOf(graph, name)), 0);
  return Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256));
}
