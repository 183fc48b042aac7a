/**
 * A window over an input that is one pixel wide, as one-dimensional networks have it, is the same window over one row: the bytes
 * lie alike. Kernels that take several pixels of a row at a time have something to take then, for more memory over the input.
 */
import type { KernelVariant, OpNode } from './op.js';
import type { WeightedInputs } from './weighted-op.js';
import type { Window } from './window.js';

/** A family of kernels that is offered the layer as it is, and columns as rows, too. */
export function bothWays<Attrs, Geometry extends Window>(
  family: (geometryOf: (node: OpNode<Attrs, WeightedInputs>) => Geometry) => KernelVariant<Attrs, WeightedInputs>,
  geometryOf: (node: OpNode<Attrs, WeightedInputs>) => Geometry,
): KernelVariant<Attrs, WeightedInputs> {
  const upright = family(geometryOf);
  const flat = family((node) => laidFlat(geometryOf(node)));
  return {
    ...upright,
    implement: (node, core) =>
      isColumn(geometryOf(node))
        ? [...upright.implement(node, core), ...flat.implement(node, core)]
        : upright.implement(node, core),
  };
}

const isColumn = ({ inputWidth, filterWidth, inputHeight, filterHeight }: Window): boolean =>
  inputWidth === 1 && filterWidth === 1 && inputHeight > 1 && filterHeight > 1;

const laidFlat = <Geometry extends Window>(g: Geometry): Geometry => ({
  ...g,
  inputHeight: g.inputWidth,
  inputWidth: g.inputHeight,
  outputHeight: g.outputWidth,
  outputWidth: g.outputHeight,
  filterHeight: g.filterWidth,
  filterWidth: g.filterHeight,
  strideHeight: g.strideWidth,
  strideWidth: g.strideHeight,
  dilationHeight: g.dilationWidth,
  dilationWidth: g.dilationHeight,
  padTop: g.padLeft,
  padLeft: g.padTop,
});
