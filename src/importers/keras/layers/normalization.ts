/** Normalizations by constants: all of them are x · scale + offset, which the passes fold into a convolution before. */
import type { LayerCall, LayerKind } from '../layer-call.js';

/** (x − mean) / √(variance + epsilon) · gamma + beta. */
const batchNormalization: LayerKind = {
  convert(call) {
    const channels = call.shape().at(-1) ?? 0;
    checkAxis(call);
    const mean = perChannel(call, channels, 'moving_mean');
    const variance = perChannel(call, channels, 'moving_variance');
    const gamma = call.config.boolean('scale', true) ? perChannel(call, channels, 'gamma') : undefined;
    const beta = call.config.boolean('center', true) ? perChannel(call, channels, 'beta') : undefined;
    const epsilon = call.config.number('epsilon', 1e-3);
    const scale = variance.map((value, c) => (gamma?.[c] ?? 1) / Math.sqrt(value + epsilon));
    const offset = mean.map((value, c) => (beta?.[c] ?? 0) - value * scale[c]!);
    if (!scale.every(Number.isFinite)) throw call.mismatch('a variance is negative');
    return call.affine(call.input, scale, offset);
  },
};

function checkAxis(call: LayerCall): void {
  const rank = call.shape().length;
  const axes = call.config.numbers('axis');
  if (axes.length > 1 || ![undefined, -1, rank - 1].includes(axes[0]))
    throw call.mismatch(`it normalizes over axis ${axes}, not over the last one`);
}

function perChannel(call: LayerCall, channels: number, name: string): Float32Array {
  const { values } = call.weight(1, name);
  if (values.length !== channels) throw call.mismatch(`"${name}" has ${values.length} values for ${channels} channels`);
  return values;
}

const rescaling: LayerKind = {
  convert(call) {
    const [scale, offset] = [call.config.numbers('scale'), call.config.numbers('offset')];
    return affineOf(call, scale.length > 0 ? scale : [1], offset.length > 0 ? offset : [0]);
  },
};

/** (x − mean) / max(√variance, 1e-7), with the statistics among the weights or in the configuration. */
const normalization: LayerKind = {
  convert(call) {
    const statistic = (name: string): readonly number[] => {
      const configured = call.config.numbers(name);
      const weight = configured.length > 0 ? undefined : call.optionalWeight(name);
      if (configured.length === 0 && !weight) throw call.mismatch(`it has no ${name}: adapt it before saving`);
      return weight ? [...weight.values] : configured;
    };
    const [mean, variance] = [statistic('mean'), statistic('variance')];
    const scale = variance.map((value) => 1 / Math.max(Math.sqrt(value), 1e-7));
    if (!scale.every(Number.isFinite)) throw call.mismatch('a variance is negative');
    const offset = mean.map((value, c) => -value * (scale[c % scale.length] ?? 1));
    const inverted = call.config.boolean('invert', false);
    if (inverted) throw call.mismatch('it is inverted');
    return affineOf(call, scale, offset);
  },
};

function affineOf(call: LayerCall, scale: readonly number[], offset: readonly number[]): string {
  const channels = call.shape().at(-1);
  for (const { length } of [scale, offset])
    if (length !== 1 && length !== channels) throw call.mismatch(`${length} values for ${channels} channels`);
  return call.affine(call.input, Float32Array.from(scale), Float32Array.from(offset));
}

export const normalizations: Readonly<Record<string, LayerKind>> = {
  BatchNormalization: batchNormalization,
  BatchNormalizationV1: batchNormalization,
  BatchNormalizationV2: batchNormalization,
  Rescaling: rescaling,
  Normalization: normalization,
};
