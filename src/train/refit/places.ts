/** What the filters of a layer see: its input under the window, at places drawn at random over samples and positions. */
import { type Graph, type Node, tensorOf } from '../../core/graph.js';
import { elementCount } from '../../core/tensor.js';
import { type WindowAttrs, windowOf } from '../../ops/window.js';

export interface Place {
  readonly sample: number;
  readonly position: number; // of the layer's output, row after row
}

/** Whether all filters of a layer see the same inputs, so that its sums are one matrix times what it sees. */
export function isLinear(graph: Graph, { op, inputs }: Node): boolean {
  const [input, weights] = inputs;
  if (op !== 'conv_2d' && op !== 'fully_connected') return false;
  const { data, shape } = tensorOf(graph, weights!);
  return data !== undefined && (op === 'fully_connected' || shape[3] === tensorOf(graph, input!).shape[3]);
}

/** Inputs of one filter. */
export const tapsOf = (graph: Graph, node: Node): number =>
  elementCount(tensorOf(graph, node.inputs[1]!).shape.slice(1));

/** For every output position, where the taps of one filter lie in the input of one sample; −1 = padding. */
export function tapTable(graph: Graph, node: Node): readonly Int32Array[] {
  const [input, weights] = node.inputs.slice(0, 2).map((name) => tensorOf(graph, name!));
  const taps = tapsOf(graph, node);
  if (node.op === 'fully_connected')
    return Array.from({ length: elementCount(input!.shape) / taps }, (_, row) =>
      Int32Array.from({ length: taps }, (_, tap) => row * taps + tap),
    );
  const w = windowOf(input!.shape, [weights!.shape[1]!, weights!.shape[2]!], node.attrs as unknown as WindowAttrs);
  return Array.from({ length: w.outputHeight * w.outputWidth }, (_, position) => {
    const top = Math.floor(position / w.outputWidth) * w.strideHeight - w.padTop;
    const left = (position % w.outputWidth) * w.strideWidth - w.padLeft;
    const where = new Int32Array(taps);
    for (let y = 0, at = 0; y < w.filterHeight; y++)
      for (let x = 0; x < w.filterWidth; x++) {
        const [row, column] = [top + y * w.dilationHeight, left + x * w.dilationWidth];
        const inside = row >= 0 && row < w.inputHeight && column >= 0 && column < w.inputWidth;
        for (let c = 0; c < w.inputChannels; c++)
          where[at++] = inside ? (row * w.inputWidth + column) * w.inputChannels + c : -1;
      }
    return where;
  });
}

/**
 * One row of taps per place.
 * @param values the layer's input for some samples, one after another; `first` is the number of the first
 */
export function rowsAt(
  values: Float32Array,
  sampleSize: number,
  first: number,
  table: readonly Int32Array[],
  places: readonly Place[],
): Float32Array {
  const taps = table[0]!.length;
  const rows = new Float32Array(places.length * taps);
  for (const [r, { sample, position }] of places.entries()) {
    const [where, base] = [table[position]!, (sample - first) * sampleSize];
    for (let t = 0; t < taps; t++) rows[r * taps + t] = where[t]! < 0 ? 0 : values[base + where[t]!]!;
  }
  return rows;
}
