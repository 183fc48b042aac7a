/** Engines by the name that a person gives. */
import type { Engine } from '../core/engine.js';
import { ThimbleError } from '../core/errors.js';
import type { OnEvent } from '../core/stage-event.js';
import { emitTflite } from '../emit/tflite.js';
import { cEngine } from '../engines/c-engine.js';
import { deviceEngine } from '../engines/device-engine.js';
import { tfliteRuntimeEngine } from '../engines/tflite-runtime.js';
import { referenceEngine } from '../interpret/interpreter.js';
import { fakeQuantEngine } from '../quantize/float-twin.js';
import { cModelOf } from './emit-model.js';
import { type LoadedModel, requireInt8 } from './load-model.js';
import { openModelOnBoard } from './open-board.js';

export const engineNames = ['reference', 'fake-quant', 'c', 'tflite', 'device'] as const;
export type EngineName = (typeof engineNames)[number];

export interface EngineOptions {
  readonly board?: string | undefined; // for 'device'
  readonly port?: string | undefined;
  readonly onEvent?: OnEvent | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * @throws ThimbleError E_USAGE where the engine cannot run this kind of model; E_TOOL_MISSING, E_ENGINE and what opening
 *   a board throws
 */
export async function openEngine(name: EngineName, model: LoadedModel, options: EngineOptions): Promise<Engine> {
  switch (name) {
    case 'reference':
      return referenceEngine(model.graph);
    case 'tflite':
      return tfliteRuntimeEngine(isTflite(model.bytes) ? model.bytes : emitTflite(model.graph));
    case 'fake-quant':
      requireInt8(model, 'the engine fake-quant');
      return fakeQuantEngine(model.graph);
    case 'c':
      requireInt8(model, 'the engine c');
      return cEngine(model.graph, cModelOf(model, { name: 'model' }).files);
    case 'device': {
      requireInt8(model, 'the engine device');
      if (options.board === undefined)
        throw new ThimbleError(
          'E_USAGE',
          'the engine device needs to know the board',
          'Add --board pico, or another of thimble boards.',
        );
      const session = await openModelOnBoard(model, {
        board: options.board,
        port: options.port ?? 'auto',
        onEvent: options.onEvent,
        signal: options.signal,
      });
      const engine = deviceEngine(session.link, model.graph, model.sha256);
      return { ...engine, close: () => session.close() };
    }
  }
}

/** The file identifier of the format, at byte 4. */
const isTflite = (bytes: Uint8Array): boolean => new TextDecoder().decode(bytes.subarray(4, 8)) === 'TFL3';
