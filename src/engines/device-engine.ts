/** The model on a board, behind a link: computes there, compares nothing. */
import type { Engine } from '../core/engine.js';
import { ThimbleError } from '../core/errors.js';
import { type Graph, tensorOf } from '../core/graph.js';
import { arrayTypeOf, byteCount, type TensorSpec, type TypedArray } from '../core/tensor.js';
import { bytesOf } from '../device/first-diverging-layer.js';
import type { DeviceLink } from '../device/protocol.js';

/**
 * @param modelSha256 of the model that `graph` was read from: the firmware must carry the same
 * @throws ThimbleError E_WRONG_FIRMWARE for another model's firmware
 */
export function deviceEngine(link: DeviceLink, graph: Graph, modelSha256: string): Engine {
  checkFirmware(link, modelSha256);
  const inputs = graph.inputs.map((name) => tensorOf(graph, name));
  const outputs = graph.outputs.map((name) => tensorOf(graph, name));
  const layers = graph.nodes.map((node) => tensorOf(graph, node.outputs[0] ?? ''));
  const load = (values: readonly TypedArray[]) => link.loadInput(concatenated(values, inputs));
  return {
    name: 'device',
    origin: link.identity.origin,
    async run(values) {
      await load(values);
      await link.run(1, 0);
      return split(await link.output(), outputs);
    },
    ...(link.handshake.hasLayerHooks && {
      async runLayers(values: readonly TypedArray[]) {
        await load(values);
        const results: TypedArray[] = [];
        for (const [index, spec] of layers.entries()) results.push(...split(await link.layer(index), [spec]));
        return results;
      },
    }),
    close: () => link.close(),
  };
}

/** @throws ThimbleError E_WRONG_FIRMWARE */
export function checkFirmware({ handshake }: Pick<DeviceLink, 'handshake'>, modelSha256: string): void {
  if (handshake.sha256 === modelSha256.toLowerCase()) return;
  throw new ThimbleError(
    'E_WRONG_FIRMWARE',
    `the board runs another model: "${handshake.model}" (${handshake.sha256.slice(0, 12)}…), not ${modelSha256.slice(0, 12)}…`,
    ['thimble deploy MODEL flashes this model.', 'Or give the model that the firmware was made from.'],
    { where: `in the handshake of board "${handshake.board}"` },
  );
}

/** The engine's inputs as the db buffer takes them. Wrong types or sizes are a bug of the caller. */
function concatenated(values: readonly TypedArray[], specs: readonly TensorSpec[]): Uint8Array {
  const whole = new Uint8Array(specs.reduce((sum, spec) => sum + byteCount(spec), 0));
  let at = 0;
  for (const [i, spec] of specs.entries()) {
    const array = values[i];
    if (!array || !(array instanceof arrayTypeOf[spec.dtype]) || array.byteLength !== byteCount(spec))
      throw new TypeError(`input "${spec.name}" takes ${byteCount(spec)} bytes of ${spec.dtype}`);
    whole.set(bytesOf(array), at);
    at += array.byteLength;
  }
  return whole;
}

/** @throws ThimbleError E_PROTOCOL where the board's bytes are not the specs' */
function split(bytes: Uint8Array, specs: readonly TensorSpec[]): TypedArray[] {
  const wanted = specs.reduce((sum, spec) => sum + byteCount(spec), 0);
  if (bytes.length !== wanted)
    throw new ThimbleError(
      'E_PROTOCOL',
      `the board gives ${bytes.length} bytes where the model has ${wanted}`,
      'Flash the firmware again: thimble deploy MODEL.',
      { where: `at tensor "${specs[0]?.name ?? ''}"` },
    );
  let at = 0;
  return specs.map((spec) => {
    const end = at + byteCount(spec);
    const copy = bytes.slice(at, end); // its own buffer, so aligned
    at = end;
    return new arrayTypeOf[spec.dtype](copy.buffer);
  });
}
