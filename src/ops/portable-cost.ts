/** What the portable kernels cost, as the choice among kernels and the estimates need it. */
import type { Core } from '../core/board-spec.js';
import { elementCount } from '../core/tensor.js';
import type { OpNode } from './op.js';

/** Instructions for each multiply-accumulate, and for each element of the outputs (requantize, clamp, store). */
interface Rates {
  readonly perMac: number;
  readonly perRun?: number; // more for each tap of a window, however many channels it has
  readonly perElement: number;
  readonly perInput?: number; // for each element of the first input
  readonly small?: number; // times as many on ARMv6-M, where that is not what `relative` says
  readonly codeBytes: number;
}

const moving: Rates = { perMac: 0, perElement: 8, codeBytes: 80 }; // a load, a store, the loop: not measured
const reshaping: Rates = { perMac: 0, perElement: 0.1, codeBytes: 20 };
/**
 * Of kws_ref_model, pretrainedResnet_quant and hello_world_int8, gcc 12.2 -O2 on an emulated Cortex-M4, by least squares:
 * a layer to within a quarter, a network to within a tenth. What is not measured there is a guess by kin.
 */
const rates: Readonly<Record<string, Rates>> = {
  conv_2d: { perMac: 5.9, perRun: 2.5, perElement: 40, codeBytes: 560 },
  depthwise_conv_2d: { perMac: 9, perElement: 60, codeBytes: 560 },
  fully_connected: { perMac: 6, perElement: 40, codeBytes: 260 },
  transpose_conv: { perMac: 6, perRun: 6, perElement: 50, codeBytes: 560 },
  softmax: { perMac: 0, perElement: 60, small: 2.4, codeBytes: 900 },
  add: { perMac: 0, perElement: 44, small: 3.5, codeBytes: 560 },
  sub: { perMac: 0, perElement: 44, small: 3.5, codeBytes: 560 },
  mul: { perMac: 0, perElement: 40, codeBytes: 460 },
  average_pool_2d: { perMac: 0, perElement: 30, perInput: 6, small: 1.1, codeBytes: 300 },
  max_pool_2d: { perMac: 0, perElement: 20, perInput: 6, small: 1.1, codeBytes: 300 },
  mean: { perMac: 0, perElement: 60, perInput: 12, codeBytes: 400 },
  quantize: { perMac: 0, perElement: 13, small: 3, codeBytes: 120 }, // between 8 and 16 bits
  maximum: moving,
  minimum: moving,
  concatenation: moving,
  pack: moving,
  resize_nearest_neighbor: moving,
  slice: moving,
  split: moving,
  split_v: moving,
  strided_slice: moving,
  transpose: moving,
  unpack: moving,
  squeeze: reshaping,
  expand_dims: reshaping,
  reshape: reshaping,
};
const otherwise: Rates = { perMac: 0, perElement: 40, codeBytes: 400 };

/** How many instructions a core takes where a Cortex-M4 takes one: no 64-bit products, 8-bit registers. */
const relative: Partial<Readonly<Record<Core, number>>> = {
  'cortex-m0': 1.6,
  'cortex-m0plus': 1.6,
  'cortex-m3': 1.1,
  avr: 10.5,
  rv32imc: 1.2,
};

export function portableCost(
  op: string,
  node: OpNode,
  macs: number,
  core: Core,
): { readonly instructions: number; readonly codeBytes: number } {
  const { perMac, perRun = 0, perElement, perInput = 0, small, codeBytes } = rates[op] ?? otherwise;
  const elements = node.outputs.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const input = node.inputs[0]?.shape ?? [];
  const isSmall = core === 'cortex-m0' || core === 'cortex-m0plus';
  const factor = (isSmall ? small : undefined) ?? relative[core] ?? 1;
  const runs = macs / Math.max(1, input.at(-1) ?? 1);
  const instructions =
    factor * (perMac * macs + perRun * runs + perElement * elements + perInput * elementCount(input));
  return { instructions: Math.round(instructions), codeBytes };
}
