/**
 * OpDef: all that Thimble knows about one operator. A new operator is a folder here with its definition, its C
 * kernel, its golden cases, and one line in ops/index.ts. Pure: values in, values out.
 */
import type { Core } from '../core/board-spec.js';
import type { Graph, Node } from '../core/graph.js';
import { tensorOf } from '../core/graph.js';
import type { Shape, Tensor, TensorSpec, TypedArray } from '../core/tensor.js';

export type Operands = readonly (Tensor | undefined)[]; // undefined = optional and absent

/** A node of the graph with its tensors looked up. A constant carries `data`; to run a node, every input does. */
export interface OpNode<Attrs = unknown, Inputs extends Operands = Operands> {
  readonly name: string;
  readonly inputs: Inputs;
  readonly outputs: readonly TensorSpec[]; // at least one
  readonly attrs: Attrs;
}

export interface OpDef<Attrs = unknown, Inputs extends Operands = Operands> {
  readonly name: string; // TFLite's, in snake_case
  readonly inputCount: readonly [min: number, max: number]; // checked when a graph is built: it makes `Inputs` true
  /** Whether there are kernels for 16-bit activations, by the rules of TFLite's 16x8. */
  readonly int16?: boolean;
  /** Position of the variable tensor. What it holds next follows the outputs in the results of the runs; absent = none. */
  readonly stateInput?: number;
  /** What int8 quantization must respect; null = the op does not occur in a float32 graph that is to be quantized. */
  readonly quantization: QuantRule | null;
  /** @throws ThimbleError E_SHAPE where the inputs do not fit together; every other function may rely on it */
  inferShape(inputs: Inputs, attrs: Attrs): readonly Shape[];
  /** One sentence per fault, so that a whole graph is reported at once. None = runInt8 is exact and cannot fail. */
  checkQuant(node: OpNode<Attrs, Inputs>): readonly string[];
  runFloat32(node: OpNode<Attrs, Inputs>): readonly Float32Array[];
  /** The reference that the C kernel must equal bit for bit. */
  runInt8(node: OpNode<Attrs, Inputs>): readonly TypedArray[];
  /**
   * For ops of one varying input: does once what depends on constants alone, and returns the run of one input after
   * another, with the same results as runFloat32 / runInt8. What it returns is not re-entrant. Absent = nothing to gain.
   */
  prepareFloat32?(node: OpNode<Attrs, Inputs>): (input: TypedArray) => readonly Float32Array[];
  prepareInt8?(node: OpNode<Attrs, Inputs>): (input: TypedArray) => readonly TypedArray[];
  /** For ops that sum products of inputs and weights: what one element of the output is made of. */
  terms?(node: OpNode<Attrs, Inputs>, output: number): Terms;
  cost(node: OpNode<Attrs, Inputs>): Cost;
  emitC(node: OpNode<Attrs, Inputs>, names: CNames): EmittedC;
  /** Faster or leaner kernels for some cores, beside the portable one of emitC. */
  readonly variants?: readonly KernelVariant<Attrs, Inputs>[];
  /** Positions of inputs whose memory the output may take: each element is read before its place is written. */
  overwrites?(node: OpNode<Attrs, Inputs>): readonly number[];
  /** Whether the output is the first input, element by element, under another shape; absent = never. */
  isReshape?(node: OpNode<Attrs, Inputs>): boolean;
  /** Why results are not pinned to somebody else's bytes; absent = golden vectors of TFLite Micro cover it. */
  readonly unpinned?: string;
  readonly tflite: TfliteMapping<Attrs, Inputs>;
}

/**
 * What TFLite's 8-bit specification asks of the op's quantization: which constants are weights, which outputs have
 * fixed parameters, which must share those of their input.
 */
export type QuantRule =
  /** Inputs are [activation, weights, bias?]; weights symmetric, per channel along `axis` where the recipe says so. */
  | { readonly kind: 'weighted'; readonly axis: number }
  /** Moves or compares raw bytes: all float inputs and the output have one quantization. */
  | { readonly kind: 'same' }
  /** The output's range is known beforehand. */
  | { readonly kind: 'fixed'; readonly scale: number; readonly zeroPoint: number }
  /** Rescales: every tensor has a range of its own. One step of the result before rescaling is worth about this. */
  | { readonly kind: 'free'; readonly accumulatorStep: 'largest' | 'product' | 'first' }; // of the inputs' scales

export const probability: QuantRule = { kind: 'fixed', scale: 1 / 256, zeroPoint: -128 }; // 0 … 255/256

/** One output as a sum that a person can follow: bias[channel] + Σ input · weight. */
export interface Terms {
  readonly channel: number; // of the bias and of per-channel scales
  readonly taps: readonly Tap[];
  readonly scale: number; // of a node in integers: input · weight / output scale, rounded as the kernels have it; else NaN
}

export interface Tap {
  readonly input: number | null; // element of the input; null = padding
  readonly weight: number; // element of the weights
}

export interface Cost {
  readonly macs: number; // multiply-accumulates, padding included, as everybody counts
  readonly weightBytes: number; // flash: the constants of emitC
  readonly scratchBytes: number; // RAM beside inputs and outputs while the node runs
  readonly moves?: MoveWork; // of operators that do nothing else
}

/** How often the loops of a move go round. */
export interface MoveWork {
  readonly words: number; // of four bytes
  readonly single: number; // elements that move alone
  readonly runs: number; // of elements in a row, each with the loops around it
}

/** What the emitter decides: where tensors live, as C expressions, and a prefix for all that this node defines. */
export interface CNames {
  readonly symbol: string; // unique in the model; the node's constants are `${symbol}_weights` …
  readonly inputs: readonly string[]; // pointers of the tensor's C type, by position; '' for constants and absent ones,
  readonly outputs: readonly string[]; // which the node emits itself
  readonly scratch: string; // int8_t *, 8-byte aligned, cost().scratchBytes long
}

export interface EmittedC {
  readonly constants: readonly CArray[];
  readonly states?: readonly CState[]; // memory that keeps its values between calls
  readonly call: string; // statements
  readonly kernels: readonly string[]; // file names of C headers that the call needs, dependencies first
  readonly qualifier?: string; // a macro of those headers, put before the function that makes the call
}

/** One way to compute a node in C. Every op has a portable one; src/plan chooses among them. All give the same bytes. */
export interface Implementation {
  readonly variant: string; // 'portable', 'dsp' …: a grep word, shown in the emitted header and by bench
  readonly instructions: number; // predicted for one run of the node on the core
  readonly codeBytes: number; // predicted code of one instance; layers that differ in constants alone share it
  readonly weightBytes: number; // exact: the constants of emitC
  readonly scratchBytes: number; // RAM beside inputs and outputs while the node runs
  /** Positions of inputs whose memory the output may take. Both then begin at the same address; sizes may differ. */
  readonly overwrites: readonly number[];
  emitC(names: CNames): EmittedC;
}

/** A family of kernels of one op. */
export interface KernelVariant<Attrs = unknown, Inputs extends Operands = Operands> {
  readonly name: string;
  readonly cores: readonly Core[];
  /** None where the kernels do not apply, or where the node's actual weights do not let the host prove them exact. */
  implement(node: OpNode<Attrs, Inputs>, core: Core): readonly Implementation[];
}

/** Values, not text: line width, alignment and where constants live are the emitter's business. */
export interface CArray {
  readonly name: string;
  readonly type: 'int8_t' | 'uint8_t' | 'int16_t' | 'uint16_t' | 'int32_t' | 'uint32_t' | 'int64_t' | 'float';
  readonly values: ArrayLike<number>;
}

/** Zeros at first, and after NAME_reset. */
export interface CState {
  readonly name: string;
  readonly type: 'int16_t';
  readonly count: number;
}

/** How the op stands in a .tflite: numbers from the published schema. The option fields are those of its table. */
export interface TfliteMapping<Attrs, Inputs extends Operands = Operands> {
  readonly builtin: number; // BuiltinOperator
  readonly options: number; // BuiltinOptions union type; 0 = no table
  /** Where each input of a node stands in the .tflite, for ops that do not begin with what they compute on. */
  readonly order?: readonly number[];
  /**
   * Place in the .tflite of an input that is the output's shape. It is no input of the node, whose attributes hold what
   * they need of the shape that the output declares: a converter may compute it, and nobody needs the outcome.
   */
  readonly shapeInput?: number;
  version(node: OpNode<Attrs, Inputs>): number;
  /** @param output the declared shape of the first one */
  read(options: OptionsReader, output: Shape): Attrs; // throws ThimbleError E_UNSUPPORTED_OP for what the op cannot do
  write(attrs: Attrs, node: OpNode<Attrs, Inputs>): readonly OptionField[];
}

/** Fields of an options table by id; an absent table reads as all defaults. */
export interface OptionsReader {
  int8(id: number, fallback?: number): number; // enums and bytes; fallback 0 unless given
  int32(id: number, fallback?: number): number;
  float32(id: number, fallback?: number): number;
  bool(id: number, fallback?: boolean): boolean;
  int32s(id: number): readonly number[]; // empty where absent
}

export type OptionField =
  | { readonly id: number; readonly type: 'int8' | 'int32' | 'float32'; readonly value: number }
  | { readonly id: number; readonly type: 'bool'; readonly value: boolean }
  | { readonly id: number; readonly type: 'int32s'; readonly value: readonly number[] };

/** A node with its tensors; `values` supplies the data of tensors that are not constant. */
export function operandsOf(graph: Graph, node: Node, values?: ReadonlyMap<string, TypedArray>): OpNode {
  const withData = (name: string | null): Tensor | undefined => {
    if (name === null) return undefined;
    const tensor = tensorOf(graph, name);
    const data = tensor.data ?? values?.get(name);
    return data === undefined || data === tensor.data ? tensor : { ...tensor, data };
  };
  return {
    name: node.name,
    inputs: node.inputs.map(withData),
    outputs: node.outputs.map((name) => tensorOf(graph, name)),
    attrs: node.attrs,
  };
}
