/** The portable kernels of the convolutions over their own input, and how their calls say so. */
import { cores } from '../core/board-spec.js';
import { bytesPerElement, isInteger } from '../core/tensor.js';
import type { CNames, Cost, EmittedC, KernelVariant, OpNode } from './op.js';
import { portableCost } from './portable-cost.js';
import { type SlidingWindow, slidingWindow } from './sliding-window.js';
import type { WeightedInputs } from './weighted-op.js';
import type { Window } from './window.js';

/** The output lies apart from the input. */
export const noWindow: SlidingWindow = { rows: 0, backwards: false, bytes: 0 };

/** The last arguments of a call. */
export const windowArguments = ({ rows, backwards }: SlidingWindow, { scratch }: CNames): string =>
  rows === 0
    ? '/* no window */ (int8_t *)0, 0, 0'
    : `/* window, rows, backwards */ ${scratch}, ${rows}, ${backwards ? 1 : 0}`;

/** Copying rows costs little beside multiplying them: a share of a plain kernel's instructions, measured. */
const WINDOW_SHARE = 1.02;
const WINDOW_CODE_BYTES = 120;

/** What an op tells of its portable kernel. */
export interface WindowedKernel<Attrs> {
  readonly op: string;
  geometry(node: OpNode<Attrs, WeightedInputs>): Window & { readonly outputChannels: number };
  cost(node: OpNode<Attrs, WeightedInputs>): Cost;
  emitC(node: OpNode<Attrs, WeightedInputs>, names: CNames, window: SlidingWindow): EmittedC;
}

/** The portable kernel in place: less memory for about the same speed, on every core. */
export const inPlaceVariant = <Attrs>(kernel: WindowedKernel<Attrs>): KernelVariant<Attrs, WeightedInputs> => ({
  name: 'portable_window',
  cores,
  implement(node, core) {
    const [input, output] = [node.inputs[0].dtype, node.outputs[0]!.dtype];
    if (input !== output || !isInteger(input)) return []; // rows lie over rows by their elements
    const geometry = kernel.geometry(node);
    const window = slidingWindow(geometry, geometry.outputChannels);
    const { macs, weightBytes } = kernel.cost(node);
    const plain = portableCost(kernel.op, node, { macs }, core);
    return [
      {
        variant: 'portable_window',
        instructions: Math.round(plain.instructions * WINDOW_SHARE),
        codeBytes: plain.codeBytes + WINDOW_CODE_BYTES,
        weightBytes,
        scratchBytes: aligned(window.bytes * bytesPerElement[input]),
        overwrites: [0],
        emitC: (names) => kernel.emitC(node, names, window),
      },
    ];
  },
});

const aligned = (bytes: number): number => Math.ceil(bytes / 8) * 8;
