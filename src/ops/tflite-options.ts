/** Parts of the mapping to a .tflite that several operators share. */
import { ThimbleError } from '../core/errors.js';
import { type Activation, activations } from './activation.js';
import type { Operands, OpNode, OptionField, OptionsReader, TfliteMapping } from './op.js';

type NoAttrs = Readonly<Record<string, never>>;

/** By the first input: `int8Version`, `int16Version`, or 1 for float32: how TFLite versioned most of its operators. */
export const versionOf = (node: OpNode, int8Version: number, int16Version = int8Version): number =>
  ({ int8: int8Version, int16: int16Version })[node.inputs[0]?.dtype as string] ?? 1;

/** An operator without attributes. Some of them have an (empty) options table all the same. */
export const noOptions = <Inputs extends Operands>(
  builtin: number,
  int8Version: number,
  options = 0,
): TfliteMapping<NoAttrs, Inputs> => ({
  builtin,
  options,
  version: (node) => versionOf(node, int8Version),
  read: () => ({}),
  write: () => [],
});

export const activationField = (id: number, activation: Activation): OptionField => ({
  id,
  type: 'int8',
  value: activations.indexOf(activation),
});

/** add and sub of int16 take scales that are no powers of two only where they say so: pot_scale_int16 is true by default. */
export const anyScale = (node: OpNode): readonly OptionField[] =>
  node.inputs[0]?.dtype === 'int16' ? [{ id: 1, type: 'bool', value: false }] : [];

/**
 * For operators with an activation field that TFLite Micro refuses to fill.
 * @throws ThimbleError E_UNSUPPORTED_OP where it is filled
 */
export function refuseActivation(options: OptionsReader, id: number, op: string): void {
  if (options.int8(id) === 0) return;
  throw new ThimbleError(
    'E_UNSUPPORTED_OP',
    `${op} with a fused activation is not supported`,
    'Put the activation into the model as a layer of its own and convert it again.',
  );
}
