/** Every Keras layer class that Thimble reads, and what to do about some that it does not. */
import type { LayerFault, LayerKind } from '../layer-call.js';
import type { KerasLayer } from '../topology.js';
import { activation, leakyRelu, prelu, relu, softmax } from './activation.js';
import { convolutions } from './convolution.js';
import { merges } from './merge.js';
import { normalizations } from './normalization.js';
import { pools } from './pool.js';
import { shapes } from './shape.js';

const kinds: ReadonlyMap<string, LayerKind> = new Map(
  Object.entries({
    ...convolutions,
    ...pools,
    ...merges,
    ...shapes,
    ...normalizations,
    Activation: activation,
    ReLU: relu,
    LeakyReLU: leakyRelu,
    PReLU: prelu,
    Softmax: softmax,
  }),
);

/** Class names, for the documentation. */
export const layerClasses: readonly string[] = [...kinds.keys()];

const waysOut: readonly (readonly [RegExp, string])[] = [
  [/LSTM|GRU|RNN|ConvLSTM|Bidirectional/, 'use Conv1D layers over the sequence'],
  [/Embedding/, 'compute the embedding before the model, or feed numbers'],
  [/Attention|Einsum/, 'use convolutions and GlobalAveragePooling instead'],
  [/LayerNorm|GroupNorm|UnitNorm/, 'use BatchNormalization, which folds into the weights'],
  [/ELU|ThresholdedReLU/, 'use ReLU, LeakyReLU or PReLU'],
  [/^(Conv|Max|Average|Global|ZeroPad)\w*3D/, 'use the 2D layer, with the depth as channels'],
  [/^Random|Center|Resizing/, 'augment and resize images before the model, not inside it'],
  [/Lambda|TFOpLambda|TensorFlowOp|SlicingOp/, 'replace the free-form operation by a layer'],
  [/Quantize/, 'give the float model: Thimble quantizes by itself'],
  [/Dot$/, 'use Add, Multiply or Concatenate'],
  [/TimeDistributed/, 'apply the layer directly: Dense and Conv1D work on every time step'],
];

/** @throws TypeError where layerFault was not asked first */
export function kindOf({ className }: KerasLayer): LayerKind {
  const kind = kinds.get(className);
  if (!kind) throw new TypeError(`no layer class "${className}"`);
  return kind;
}

/** Why a layer cannot be converted; undefined where it can. */
export function layerFault(layer: KerasLayer): LayerFault | undefined {
  const kind = kinds.get(layer.className);
  if (kind) return kind.fault?.(layer.config);
  const wayOut = waysOut.find(([pattern]) => pattern.test(layer.className))?.[1];
  return { what: layer.className, wayOut: wayOut ?? 'replace it by layers that Thimble knows, or remove it' };
}
