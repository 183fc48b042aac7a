/** Pools, also over the whole image or sequence. */
import type { HeightWidth } from '../../../core/tensor.js';
import type { LayerCall, LayerKind } from '../layer-call.js';
import { channelsFault } from './convolution.js';

type PoolOp = 'average_pool_2d' | 'max_pool_2d';

const pool = (op: PoolOp, dimensions: 1 | 2): LayerKind => ({
  fault: channelsFault,
  convert(call) {
    const { config } = call;
    const filter = config.window('pool_size', dimensions, dimensions === 1 ? [1, 2] : [2, 2]);
    const padding = config.string('padding', 'valid').toLowerCase() === 'same' ? 'SAME' : 'VALID';
    const stride = config.window('strides', dimensions, filter);
    return call.through4d(call.input, (x) => poolNode(call, op, x, filter, stride, padding));
  },
});

const poolNode = (
  call: LayerCall,
  op: PoolOp,
  x: string,
  filter: HeightWidth,
  stride: HeightWidth,
  padding: 'SAME' | 'VALID',
): string => call.node(op, [x], { filter, stride, padding, activation: 'none' });

const globalPool = (kind: 'average' | 'max'): LayerKind => ({
  fault: channelsFault,
  convert(call) {
    const shape = call.shape();
    const channels = shape.at(-1) ?? 1;
    const [height = 1, width = 1] = shape.length === 3 ? [1, shape[1]] : shape.slice(1, 3);
    const all: HeightWidth = [height, width];
    const x = call.reshape(call.input, [1, height, width, channels]);
    const y = kind === 'average' ? call.mean(x, [1, 2], false) : poolNode(call, 'max_pool_2d', x, all, all, 'VALID');
    const kept = call.config.boolean('keepdims', false) ? shape.slice(1, -1).map(() => 1) : [];
    return call.reshape(y, [1, ...kept, channels]);
  },
});

export const pools: Readonly<Record<string, LayerKind>> = {
  AveragePooling1D: pool('average_pool_2d', 1),
  AveragePooling2D: pool('average_pool_2d', 2),
  MaxPooling1D: pool('max_pool_2d', 1),
  MaxPooling2D: pool('max_pool_2d', 2),
  GlobalAveragePooling1D: globalPool('average'),
  GlobalAveragePooling2D: globalPool('average'),
  GlobalMaxPooling1D: globalPool('max'),
  GlobalMaxPooling2D: globalPool('max'),
};
