/** Where a sliding window starts, ends and repeats: conv_2d, depthwise_conv_2d and the pools share it. NHWC, batch 1. */
import { ThimbleError } from '../core/errors.js';
import { type HeightWidth, type Shape, shapeText, type TypedArray } from '../core/tensor.js';

/** In the order of TFLite's Padding, which is also its number there. */
export const paddings = ['SAME', 'VALID'] as const;
export type Padding = (typeof paddings)[number];

/** @throws ThimbleError E_MODEL_FORMAT for a number that TFLite's Padding does not have */
export function paddingNumbered(number: number): Padding {
  const padding = paddings[number];
  if (padding) return padding;
  throw new ThimbleError(
    'E_MODEL_FORMAT',
    `padding ${number} is neither SAME nor VALID`,
    'Export the model again; the file is damaged.',
  );
}

export interface WindowAttrs {
  readonly stride: HeightWidth;
  readonly padding: Padding;
  readonly dilation?: HeightWidth; // distance between two taps; [1, 1] unless given
}

export interface Window {
  readonly inputHeight: number;
  readonly inputWidth: number;
  readonly inputChannels: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
  readonly filterHeight: number;
  readonly filterWidth: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  readonly dilationHeight: number;
  readonly dilationWidth: number;
  readonly padTop: number; // rows of padding above the input; what SAME puts below follows from the other sizes
  readonly padLeft: number;
}

/** No sane layer comes near; a damaged file must not make us allocate what it asks for. */
const largestPaddedElementCount = 2 ** 27;

/** @throws ThimbleError E_SHAPE where the window never fits into the input, which is [1, height, width, channels] */
export function windowOf(
  input: Shape,
  filter: HeightWidth,
  { stride, padding, dilation = [1, 1] }: WindowAttrs,
): Window {
  const [batch = 0, inputHeight = 0, inputWidth = 0, inputChannels = 0] = input;
  const vertical = slide(inputHeight, filter[0], stride[0], dilation[0], padding);
  const horizontal = slide(inputWidth, filter[1], stride[1], dilation[1], padding);
  const sizes = [...input, ...filter, ...stride, ...dilation];
  if (
    input.length !== 4 ||
    batch !== 1 ||
    !sizes.every(isPositiveInteger) ||
    vertical.count < 1 ||
    horizontal.count < 1
  )
    throw new ThimbleError(
      'E_SHAPE',
      `a ${filter.join('x')} ${padding} window with stride ${stride.join('x')} and dilation ${dilation.join('x')} does not fit into ${shapeText(input)}`,
      'Export the model with batch size 1 and an input no smaller than its filters.',
    );
  const window: Window = {
    inputHeight,
    inputWidth,
    inputChannels,
    outputHeight: vertical.count,
    outputWidth: horizontal.count,
    filterHeight: filter[0],
    filterWidth: filter[1],
    strideHeight: stride[0],
    strideWidth: stride[1],
    dilationHeight: dilation[0],
    dilationWidth: dilation[1],
    padTop: vertical.padBefore,
    padLeft: horizontal.padBefore,
  };
  const padded = paddedSize(window);
  if (padded.height * padded.width * inputChannels > largestPaddedElementCount)
    throw new ThimbleError(
      'E_SHAPE',
      `a ${filter.join('x')} window with dilation ${dilation.join('x')} over ${shapeText(input)} is larger than any microcontroller could hold`,
      'Check the stride and dilation of this layer; the file may be damaged.',
    );
  return window;
}

const isPositiveInteger = (size: number): boolean => Number.isInteger(size) && size > 0;

/** How often the window fits, and the padding before it; SAME puts an odd pixel of padding at the end. */
function slide(size: number, taps: number, stride: number, dilation: number, padding: Padding) {
  const reach = (taps - 1) * dilation + 1;
  if (padding === 'VALID') return { count: Math.floor((size - reach) / stride) + 1, padBefore: 0 };
  const count = Math.ceil(size / stride);
  return { count, padBefore: Math.floor(Math.max((count - 1) * stride + reach - size, 0) / 2) };
}

/** The input pixel under every tap of the window of one output pixel, tap by tap; null = padding. */
export function pixelsUnder(w: Window, outputPixel: number): readonly (number | null)[] {
  const [row, column] = [Math.floor(outputPixel / w.outputWidth), outputPixel % w.outputWidth];
  return Array.from({ length: w.filterHeight * w.filterWidth }, (_, tap) => {
    const y = row * w.strideHeight - w.padTop + Math.floor(tap / w.filterWidth) * w.dilationHeight;
    const x = column * w.strideWidth - w.padLeft + (tap % w.filterWidth) * w.dilationWidth;
    const inside = y >= 0 && y < w.inputHeight && x >= 0 && x < w.inputWidth;
    return inside ? y * w.inputWidth + x : null;
  });
}

/** Rows and columns of the input with a border wide enough that every window lies inside. */
export function paddedSize(w: Window): { readonly height: number; readonly width: number } {
  const rows = (w.outputHeight - 1) * w.strideHeight + (w.filterHeight - 1) * w.dilationHeight + 1;
  const columns = (w.outputWidth - 1) * w.strideWidth + (w.filterWidth - 1) * w.dilationWidth + 1;
  return { height: Math.max(rows, w.padTop + w.inputHeight), width: Math.max(columns, w.padLeft + w.inputWidth) };
}

/**
 * Writes x − zeroPoint into the inside of `padded`, whose border stays 0 from its allocation; every channel `copies`
 * times in a row.
 * @param padded paddedSize(w).height · width · inputChannels · copies values, or more
 */
export function padInput(w: Window, input: TypedArray, zeroPoint: number, padded: Float64Array, copies = 1): void {
  const { width } = paddedSize(w);
  const row = w.inputWidth * w.inputChannels;
  for (let y = 0; y < w.inputHeight; y++) {
    const begin = ((w.padTop + y) * width + w.padLeft) * w.inputChannels * copies;
    if (copies === 1) for (let i = 0; i < row; i++) padded[begin + i] = input[y * row + i]! - zeroPoint;
    else
      for (let i = 0; i < row * copies; i++) padded[begin + i] = input[y * row + Math.floor(i / copies)]! - zeroPoint;
  }
}
