/** Activations: as a layer of their own and as the `activation` of another one. */
import type { Activation } from '../../../ops/activation.js';
import type { LayerConfig } from '../config.js';
import type { LayerCall, LayerFault, LayerKind } from '../layer-call.js';

type Convert = (call: LayerCall, x: string) => string;

const one = (value: number): Float32Array => Float32Array.of(value);
const relu6 = (call: LayerCall, x: string): string => call.node('relu6', [x]);

/** Keras 3 and Keras 2 define hard_sigmoid differently: relu6(x + 3) / 6 and clip(0.2 x + 0.5, 0, 1). */
const hardSigmoid: Convert = (call, x) => {
  const slope = call.config.isKeras3 ? 1 : 1.2; // 0.2 · 6
  const clipped = relu6(call, call.affine(x, one(slope), one(3), 'hard_sigmoid'));
  return call.affine(clipped, one(1 / 6), one(0), 'sixth');
};
const hardSwish: Convert = (call, x) => call.node('hard_swish', [x]);
const swish: Convert = (call, x) => call.arithmetic('mul', x, call.node('logistic', [x]));

const byName: Readonly<Record<string, Convert>> = {
  linear: (_, x) => x,
  relu: (call, x) => call.node('relu', [x]),
  relu6,
  softmax: (call, x) => call.node('softmax', [x], { beta: 1 }),
  sigmoid: (call, x) => call.node('logistic', [x]),
  tanh: (call, x) => call.node('tanh', [x]),
  hard_sigmoid: hardSigmoid,
  hard_swish: hardSwish,
  hard_silu: hardSwish,
  swish,
  silu: swish,
  leaky_relu: (call, x) => call.node('leaky_relu', [x], { alpha: Math.fround(0.2) }), // the default of its function
};

/** 'ReLU' and 'hardSigmoid' are written forms of 'relu' and 'hard_sigmoid'. */
function canonical(name: string): string {
  const known = Object.keys(byName).find((key) => key.replace(/_/g, '') === name.replace(/_/g, '').toLowerCase());
  return known ?? name;
}

export function activationFault(config: LayerConfig): LayerFault | undefined {
  const name = config.activation();
  if (Object.hasOwn(byName, canonical(name))) return undefined;
  const wayOut = /elu|gelu|softplus|mish/i.test(name)
    ? 'train with "relu", "hard_swish" or "leaky_relu"'
    : `train with one of ${Object.keys(byName).slice(1, 7).join(', ')}`;
  return { what: `activation "${name}"`, wayOut };
}

/** What a convolution or dense layer can do by itself, and what has to follow it as nodes. */
export function splitActivation(call: LayerCall): { fused: Activation; apply: (x: string) => string } {
  const name = canonical(call.config.activation());
  if (name === 'relu' || name === 'relu6') return { fused: name, apply: (x) => x };
  return { fused: 'none', apply: (x) => byName[name]!(call, x) };
}

/** A layer's activation as nodes after `x`. */
export const convertActivation: Convert = (call, x) => byName[canonical(call.config.activation())]!(call, x);

export const activation: LayerKind = {
  fault: activationFault,
  convert: (call) => convertActivation(call, call.input),
};

export const relu: LayerKind = {
  fault(config) {
    const { max, slope, threshold } = reluOptions(config);
    if (threshold !== 0) return { what: `ReLU with threshold ${threshold}`, wayOut: 'use threshold 0' };
    if (max !== undefined && (max !== 6 || slope !== 0))
      return { what: `ReLU with max_value ${max}`, wayOut: 'use max_value 6 without a slope, or none' };
    return undefined;
  },
  convert(call) {
    const { max, slope } = reluOptions(call.config);
    if (max === 6) return relu6(call, call.input);
    return slope === 0
      ? call.node('relu', [call.input])
      : call.node('leaky_relu', [call.input], { alpha: Math.fround(slope) });
  },
};

const reluOptions = (config: LayerConfig) => ({
  max: config.value('max_value') === undefined ? undefined : config.number('max_value', 6),
  slope: config.number('negative_slope', 0),
  threshold: config.number('threshold', 0),
});

export const leakyRelu: LayerKind = {
  convert(call) {
    const slope = call.config.number('negative_slope', call.config.number('alpha', 0.3));
    return call.node('leaky_relu', [call.input], { alpha: Math.fround(slope) });
  },
};

/** Keras keeps one alpha per element, or with shared axes one per channel: [1, 1, channels]. */
export const prelu: LayerKind = {
  convert(call) {
    const { shape, values } = call.weight(call.shape().length - 1, 'alpha');
    return call.node('prelu', [call.input, call.constant('alpha', shape, () => values)], { activation: 'none' });
  },
};

export const softmax: LayerKind = {
  convert(call) {
    const rank = call.shape().length;
    const [axis = -1] = call.config.numbers('axis');
    if (axis !== -1 && axis !== rank - 1) throw call.mismatch(`it runs over axis ${axis}, not over the last one`);
    return byName['softmax']!(call, call.input);
  },
};
