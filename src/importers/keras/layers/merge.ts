/** Layers of several inputs. */
import type { LayerCall, LayerKind } from '../layer-call.js';

const chain = (op: 'add' | 'sub' | 'mul'): LayerKind => ({
  convert(call) {
    if (call.inputs.length < 2) throw call.mismatch('it has one input');
    return sumOf(call, op);
  },
});

const sumOf = (call: LayerCall, op: 'add' | 'sub' | 'mul'): string =>
  call.inputs.slice(1).reduce((sum, next) => call.arithmetic(op, sum, next), call.input);

/** The largest or smallest of all inputs. */
const extreme = (op: 'maximum' | 'minimum'): LayerKind => ({
  convert(call) {
    if (call.inputs.length < 2) throw call.mismatch('it has one input');
    return call.inputs.slice(1).reduce((so, next) => call.node(op, [so, next]), call.input);
  },
});

const average: LayerKind = {
  convert(call) {
    const share = Float32Array.of(1 / call.inputs.length);
    return call.affine(sumOf(call, 'add'), share, Float32Array.of(0), 'share');
  },
};

const concatenate: LayerKind = {
  convert(call) {
    const rank = call.shape().length;
    const axis = call.config.number('axis', -1);
    const positive = axis < 0 ? axis + rank : axis;
    if (!Number.isInteger(positive) || positive < 1 || positive >= rank) throw call.mismatch(`its axis is ${axis}`);
    return call.inputs.length === 1 ? call.input : call.node('concatenation', call.inputs, { axis: positive });
  },
};

export const merges: Readonly<Record<string, LayerKind>> = {
  Add: chain('add'),
  Subtract: chain('sub'),
  Multiply: chain('mul'),
  Average: average,
  Maximum: extreme('maximum'),
  Minimum: extreme('minimum'),
  Concatenate: concatenate,
};
