/** Every operator that Thimble knows, one line each; tests compare this list with the folders beside it. */
import { conv2d } from './conv_2d/conv_2d.js';
import { depthwiseConv2d } from './depthwise_conv_2d/depthwise_conv_2d.js';
import { fullyConnected } from './fully_connected/fully_connected.js';
import type { OpDef } from './op.js';

// An OpDef is typed by its own attributes and operands. The registry forgets them: `inputCount`, checked when a graph
// is built, and `inferShape` make the operands true again.
// biome-ignore lint/suspicious/noExplicitAny: see above
type AnyOp = OpDef<any, any>;

export const ops: readonly AnyOp[] = [conv2d, depthwiseConv2d, fullyConnected];

const byName = new Map(ops.map((op) => [op.name, op]));
const byBuiltin = new Map(ops.map((op) => [op.tflite.builtin, op]));

export const findOp = (name: string): AnyOp | undefined => byName.get(name);
export const findOpByBuiltin = (builtin: number): AnyOp | undefined => byBuiltin.get(builtin);

/** The definition of an op that a checked graph holds. */
export function opNamed(name: string): AnyOp {
  const op = byName.get(name);
  if (!op) throw new TypeError(`no op "${name}"`);
  return op;
}
