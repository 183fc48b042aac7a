/** Layers with 16-bit activations for cores with the DSP extension: which qualify, what they cost, how weights lie. */
import { bytesPerElement } from '../../core/tensor.js';
import { noWindow } from '../in-place.js';
import { isInt16 } from '../int8-operands.js';
import type { CArray, CNames, Cost, EmittedC, Implementation, KernelVariant, OpNode } from '../op.js';
import { type SlidingWindow, slidingWindow } from '../sliding-window.js';
import { sumsFitInt32 } from '../weighted-16x8.js';
import type { WeightedInputs, WeightedNode, WeightLayout } from '../weighted-op.js';
import type { Window } from '../window.js';
import { dspCores } from './cores.js';

interface Dsp16<Attrs> {
  readonly layoutOf: (node: OpNode<Attrs, WeightedInputs>) => WeightLayout;
  /** What slides over the input; undefined where nothing does. Null: the kernel does not take the node. */
  readonly geometryOf: (
    node: OpNode<Attrs, WeightedInputs>,
  ) => (Window & { readonly outputChannels: number }) | undefined | null;
  readonly cost: (node: OpNode<Attrs, WeightedInputs>) => Cost;
  readonly emitC: (node: OpNode<Attrs, WeightedInputs>, names: CNames, window: SlidingWindow) => EmittedC;
  /**
   * perMac: instructions for each product. runs: pieces of a window that lie together in memory, each of which every four
   * channels begin anew; 0 where the whole input is one.
   */
  readonly rates: (node: OpNode<Attrs, WeightedInputs>) => { readonly perMac: number; readonly runs: number };
  readonly codeBytes: number;
}

export const dsp16Variant = <Attrs>(kernel: Dsp16<Attrs>): KernelVariant<Attrs, WeightedInputs> => ({
  name: 'dsp16',
  cores: dspCores,
  implement(node) {
    if (!isInt16(node) || !sumsFitInt32(node as unknown as WeightedNode, kernel.layoutOf(node))) return [];
    const geometry = kernel.geometryOf(node);
    if (geometry === null) return [];
    const { macs, weightBytes } = kernel.cost(node);
    const { perMac, runs } = kernel.rates(node);
    const outputs = node.outputs[0]!.shape.reduce((count, size) => count * size, 1);
    const apart: Implementation = {
      variant: 'dsp16',
      instructions: Math.round(perMac * macs + outputs * (OUTPUT + (runs * RUN) / 4)),
      codeBytes: kernel.codeBytes,
      weightBytes,
      scratchBytes: 0,
      overwrites: [],
      emitC: (names) => kernel.emitC(node, names, noWindow),
    };
    if (!geometry) return [apart];
    const window = slidingWindow(geometry, geometry.outputChannels);
    const inPlace: Implementation = {
      ...apart,
      variant: 'dsp16_window',
      instructions: Math.round(apart.instructions * WINDOW_SHARE),
      codeBytes: apart.codeBytes + WINDOW_CODE_BYTES,
      scratchBytes: Math.ceil((window.bytes * bytesPerElement.int16) / 8) * 8,
      overwrites: [0],
      emitC: (names) => kernel.emitC(node, names, window),
    };
    return [apart, inPlace];
  },
});

/** Instructions, measured on an emulated Cortex-M4 with kws_ref_model and ResNet-8 in 16 bits: a layer to within a quarter. */
const OUTPUT = 30;
const RUN = 14;
const WINDOW_SHARE = 1.05;
const WINDOW_CODE_BYTES = 160;

/** Whether weights may lie as thimble_dsp_s16.h has them packed: no run of taps may begin within four. */
export const packs = (depth: number): boolean => depth % 4 === 0;

/** Each four in the order 0, 2, 1, 3. */
export const packed16 = (constants: readonly CArray[], symbol: string): CArray[] =>
  constants.map((array) => {
    if (array.name !== `${symbol}_weights`) return array;
    const order = [0, 2, 1, 3];
    const values = Int8Array.from(array.values, (_, i) => array.values[(i & ~3) + order[i & 3]!]!);
    return { ...array, values };
  });
