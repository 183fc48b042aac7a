/** What the portable kernels cost, as the choice among kernels and the estimates need it. */
import type { Core } from '../core/board-spec.js';
import { elementCount } from '../core/tensor.js';
import type { Cost, OpNode } from './op.js';

/** Instructions for each multiply-accumulate, and for each element of the outputs (requantize, clamp, store). */
interface Rates {
  readonly perMac: number;
  readonly perRun?: number; // more for each tap of a window, however many channels it has
  readonly perElement: number;
  readonly perInput?: number; // for each element of the first input
  readonly small?: number; // times as many on ARMv6-M, where that is not what `relative` says
  readonly codeBytes: number;
}

const reshaping: Rates = { perMac: 0, perElement: 0.1, codeBytes: 20 };
/**
 * Of kws_ref_model, pretrainedResnet_quant and hello_world_int8, gcc 12.2 -O2 on an emulated Cortex-M4, by least squares:
 * a layer to within a quarter, a network to within a tenth. From maximum to svdf and transpose_conv of 3 to 8 shapes each
 * (tests/bench/operator-costs.test.ts), to within a quarter too. What is not measured there is a guess by kin.
 */
const rates: Readonly<Record<string, Rates>> = {
  conv_2d: { perMac: 5.9, perRun: 2.5, perElement: 40, codeBytes: 560 },
  depthwise_conv_2d: { perMac: 9, perElement: 60, codeBytes: 560 },
  fully_connected: { perMac: 6, perElement: 40, codeBytes: 260 },
  transpose_conv: { perMac: 5.4, perRun: 9.6, perElement: 51, small: 1.45, codeBytes: 560 },
  softmax: { perMac: 0, perElement: 60, small: 2.4, codeBytes: 900 },
  add: { perMac: 0, perElement: 44, small: 3.5, codeBytes: 560 },
  sub: { perMac: 0, perElement: 44, small: 3.5, codeBytes: 560 },
  mul: { perMac: 0, perElement: 40, codeBytes: 460 },
  average_pool_2d: { perMac: 0, perElement: 30, perInput: 6, small: 1.1, codeBytes: 300 },
  max_pool_2d: { perMac: 0, perElement: 20, perInput: 6, small: 1.1, codeBytes: 300 },
  mean: { perMac: 0, perElement: 60, perInput: 12, codeBytes: 400 },
  quantize: { perMac: 0, perElement: 13, small: 3, codeBytes: 120 }, // between 8 and 16 bits
  maximum: { perMac: 0, perElement: 7.9, small: 1.45, codeBytes: 150 }, // MVE: a twentieth, where nothing repeats
  minimum: { perMac: 0, perElement: 7.9, small: 1.45, codeBytes: 150 },
  pad: { perMac: 0, perElement: 3.9, small: 1.4, codeBytes: 240 },
  prelu: { perMac: 0, perElement: 26, small: 1.9, codeBytes: 420 },
  batch_matmul: { perMac: 7.8, perElement: 29, small: 1.9, codeBytes: 320 },
  svdf: { perMac: 8, perElement: 15, small: 1.5, codeBytes: 360 },
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
  avr: 16.5, // its instructions are counted in cycles
  rv32imc: 1.2,
};

/** Of an operator that only moves: fitted to 35 moves on each emulated core, one move to within a half. */
interface MoveRates {
  readonly perWord: number;
  readonly perSingle: number;
  readonly perRun: number;
}
const moveRates: Partial<Readonly<Record<Core, MoveRates>>> = {
  'cortex-m0': { perWord: 4.3, perSingle: 7.6, perRun: 0.7 },
  'cortex-m0plus': { perWord: 4.3, perSingle: 7.6, perRun: 0.7 },
  'cortex-m55': { perWord: 2.9, perSingle: 3.7, perRun: 0 },
  rv32imc: { perWord: 3.1, perSingle: 5.6, perRun: 1.8 },
  avr: { perWord: 32, perSingle: 8.5, perRun: 13 }, // bytes throughout
};
const moveRatesElsewhere: MoveRates = { perWord: 2.8, perSingle: 4.4, perRun: 2.3 }; // of a Cortex-M4, and M3
const MOVE_CODE_BYTES = 100;

export function portableCost(
  op: string,
  node: OpNode,
  { macs, moves }: Pick<Cost, 'macs' | 'moves'>,
  core: Core,
): { readonly instructions: number; readonly codeBytes: number } {
  if (moves) {
    const { perWord, perSingle, perRun } = moveRates[core] ?? moveRatesElsewhere;
    const instructions = perWord * moves.words + perSingle * moves.single + perRun * moves.runs;
    return { instructions: Math.round(instructions), codeBytes: MOVE_CODE_BYTES };
  }
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
