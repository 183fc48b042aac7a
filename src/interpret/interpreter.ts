/** The reference interpreter: runs a graph node by node, in float32 and in int8 bit for bit as the emitted C. */
import type { Engine } from '../core/engine.js';
import { ThimbleError } from '../core/errors.js';
import { type Graph, isConstant, type Node, tensorOf } from '../core/graph.js';
import { arrayTypeOf, elementCount, shapeText, type Tensor, type TypedArray } from '../core/tensor.js';
import { opNamed } from '../ops/index.js';
import { operandsOf } from '../ops/op.js';
import { checkGraphRuns, isFloatNode } from './check-graph-runs.js';

/** Made once for a graph, run many times, one run at a time. All results are fresh arrays, the caller's to keep. */
export interface Interpreter {
  /** The model's inputs to its outputs, in their own dtypes and in model order. Frees what is dead on the way. */
  run(inputs: readonly TypedArray[]): readonly TypedArray[];
  /** The first output of every node, in order. */
  runLayers(inputs: readonly TypedArray[]): readonly TypedArray[];
  /** Every tensor that is not constant, by name, the inputs included. */
  runAll(inputs: readonly TypedArray[]): ReadonlyMap<string, TypedArray>;
}

interface Step {
  readonly node: Node;
  readonly compute: (values: ReadonlyMap<string, TypedArray>) => readonly TypedArray[];
  readonly stateName: string | undefined; // of the variable tensor that it leaves anew
  readonly dying: readonly string[]; // tensors that nobody reads after this step
}

export interface InterpreterOptions {
  /** Goes on from the state that the run before has left, as a board does that hears one frame after another. */
  readonly keepState?: boolean; // false unless given: every run begins from zeros
}

/**
 * Each node computes in real numbers or in integers as its own dtypes say, so that a graph may mix both.
 * @throws ThimbleError E_UNSUPPORTED_OP, E_SHAPE or E_QUANT with all faults of the graph; the run functions throw
 *   E_DATA_SHAPE for inputs that do not fit
 */
export function createInterpreter(graph: Graph, { keepState = false }: InterpreterOptions = {}): Interpreter {
  checkGraphRuns(graph);
  const steps = graph.nodes.map((node, index) => prepareStep(graph, node, index));
  const variables = [...graph.tensors.values()].filter(({ isVariable }) => isVariable);
  const state = new Map<string, TypedArray>();

  function execute(inputs: readonly TypedArray[], keepAll: boolean): Map<string, TypedArray> {
    const values = bindInputs(graph, inputs);
    for (const tensor of variables) values.set(tensor.name, (keepState && state.get(tensor.name)) || zerosFor(tensor));
    for (const { node, compute, dying, stateName } of steps) {
      const results = compute(values);
      node.outputs.forEach((name, i) => {
        values.set(name, results[i]!);
      });
      if (stateName !== undefined) state.set(stateName, results.at(-1)!);
      if (!keepAll) for (const name of dying) values.delete(name);
    }
    return values;
  }
  const lookUp = (values: ReadonlyMap<string, TypedArray>, name: string): TypedArray =>
    values.get(name) ?? tensorOf(graph, name).data!; // an output may be a constant

  return {
    run(inputs) {
      const values = execute(inputs, false);
      return graph.outputs.map((name) => lookUp(values, name));
    },
    runLayers(inputs) {
      const values = execute(inputs, true);
      return graph.nodes.map((node) => lookUp(values, node.outputs[0]!));
    },
    runAll: (inputs) => execute(inputs, true),
  };
}

/** The interpreter as an Engine. @throws ThimbleError as createInterpreter */
export function referenceEngine(graph: Graph): Engine {
  const interpreter = createInterpreter(graph);
  return {
    name: 'reference',
    origin: 'host',
    run: async (inputs) => interpreter.run(inputs),
    runLayers: async (inputs) => interpreter.runLayers(inputs),
    close: async () => {},
  };
}

function prepareStep(graph: Graph, node: Node, index: number): Step {
  const dying = [...new Set(node.inputs)].filter(
    (name): name is string =>
      name !== null &&
      !graph.outputs.includes(name) &&
      !graph.nodes.slice(index + 1).some((n) => n.inputs.includes(name)),
  );
  const { stateInput } = opNamed(node.op);
  const stateName = stateInput === undefined ? undefined : (node.inputs[stateInput] ?? undefined);
  return { node, dying, stateName, compute: prepareCompute(graph, node) };
}

const zerosFor = ({ shape, dtype }: Tensor): TypedArray => new arrayTypeOf[dtype](elementCount(shape));

function prepareCompute(graph: Graph, node: Node): Step['compute'] {
  const op = opNamed(node.op);
  const operands = operandsOf(graph, node);
  const isFloat = isFloatNode(operands);
  const [varying, ...others] = operands.inputs;
  if (varying && !isConstant(varying) && others.every((tensor) => !tensor || isConstant(tensor))) {
    const compute = isFloat ? op.prepareFloat32?.(operands) : op.prepareInt8?.(operands);
    if (compute) return (values) => compute(values.get(varying.name)!);
  }
  return (values) => {
    const bound = operandsOf(graph, node, values);
    return isFloat ? op.runFloat32(bound) : op.runInt8(bound);
  };
}

/** @throws ThimbleError E_DATA_SHAPE */
function bindInputs(graph: Graph, inputs: readonly TypedArray[]): Map<string, TypedArray> {
  if (inputs.length !== graph.inputs.length)
    throw new ThimbleError(
      'E_DATA_SHAPE',
      `"${graph.name}" has ${graph.inputs.length} inputs, but ${inputs.length} were given`,
      'Give one array per model input.',
    );
  return new Map(
    graph.inputs.map((name, i) => {
      const { shape, dtype } = tensorOf(graph, name);
      const values = inputs[i]!;
      if (values.length !== elementCount(shape) || !(values instanceof arrayTypeOf[dtype]))
        throw new ThimbleError(
          'E_DATA_SHAPE',
          `input "${name}" takes ${elementCount(shape)} values of ${dtype} ${shapeText(shape)}, but got ${values.length} in a ${values.constructor.name}`,
          'Check the shape of the samples and their preprocessing.',
          { where: `at input "${name}"` },
        );
      return [name, values];
    }),
  );
}
