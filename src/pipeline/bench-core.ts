/**
 * A model's emitted C on an emulated core: instructions by layer, flash, RAM, and whether every byte is right. An AVR has
 * neither cache nor wait states, so there what is counted are cycles.
 */

import { type Graph, type Node, tensorOf } from '../core/graph.js';
import { seededRandom } from '../core/seeded-random.js';
import type { OnEvent } from '../core/stage-event.js';
import { arrayTypeOf, byteCount, elementCount, shapeText, type TypedArray } from '../core/tensor.js';
import type { EmulatedCore } from '../engines/core-program.js';
import { type Answer, CoreProgram, emulatedCores } from '../engines/core-program.js';
import { createInterpreter } from '../interpret/interpreter.js';
import { opNamed } from '../ops/index.js';
import { operandsOf } from '../ops/op.js';
import { cModelOf, type KernelOptions } from './emit-model.js';
import type { LoadedModel } from './load-model.js';

export interface BenchedLayer {
  readonly index: number;
  readonly name: string;
  readonly op: string;
  readonly kernel: string; // the variant chosen
  readonly output: string;
  readonly macs: number;
  readonly instructions: number; // or cycles, as CoreBench.unit says; the worst of the inputs
  readonly predicted: number; // by the cost table that chose the kernel
}

export interface CoreBench {
  readonly core: EmulatedCore;
  readonly origin: 'virtual-instructions' | 'virtual-cycles';
  readonly unit: 'instructions' | 'cycles'; // of all that is called instructions here
  readonly optimize: string;
  readonly inputs: number; // runs; the worst counts
  readonly instructions: number; // from the first input byte written to the last output byte read
  readonly macs: number;
  readonly layers: readonly BenchedLayer[];
  readonly flash: { readonly totalBytes: number; readonly weightBytes: number; readonly codeBytes: number };
  readonly ram: {
    readonly totalBytes: number;
    readonly arenaBytes: number;
    readonly staticBytes: number;
    readonly stackBytes: number;
  };
  readonly bitExact: boolean; // every layer and output of every input equals the reference
  readonly firstDifference: string | null;
}

export interface CoreBenchOptions extends KernelOptions {
  readonly core: EmulatedCore;
  /** The model's inputs, one list a run; default: extremes and seeded random bytes. */
  readonly inputs?: readonly (readonly TypedArray[])[];
  readonly onEvent?: OnEvent | undefined;
}

/** @throws ThimbleError E_TOOL_MISSING, E_BUILD_FAILED, E_QUANT … as the emitter does */
export function benchOnCore(
  model: Pick<LoadedModel, 'graph' | 'path' | 'sha256' | 'bytes'>,
  options: CoreBenchOptions,
): CoreBench {
  const { core, onEvent, optimize = 'balanced' } = options;
  const { graph } = model;
  const platform = emulatedCores[core];
  const emitted = cModelOf(model as LoadedModel, {
    ...options,
    name: 'model',
    target: platform.target,
  });
  const bytes = (names: readonly string[]): number[] => names.map((name) => byteCount(tensorOf(graph, name)));
  const programModel = {
    name: 'model',
    files: emitted.files,
    inputs: bytes(graph.inputs),
    outputs: bytes(graph.outputs),
    layers: bytes(graph.nodes.map(({ outputs: [first] }) => first!)),
  };
  const inputs = options.inputs ?? defaultInputs(graph);
  const requests = inputs.map((values) => ({ model: 0, inputs: values.map(bytesOf) }));
  const measure = <T>(
    models: readonly (typeof programModel)[],
    hooks: boolean,
    use: (program: CoreProgram) => T,
  ): T => {
    const program = new CoreProgram(models, platform, hooks);
    try {
      return use(program);
    } finally {
      program.close();
    }
  };
  onEvent?.({ stage: 'bench', message: `building for ${core} and counting` });
  const base = measure([], false, (program) => program.sizes()); // start-up and harness
  const whole = measure([programModel], false, (program) => ({
    sizes: program.sizes(),
    answers: program.run(requests),
  }));
  const layered = measure([programModel], true, (program) => program.run(requests));
  const worst = (values: readonly number[]): number => Math.max(...values);
  const flash = whole.sizes.flashBytes - base.flashBytes;
  const staticBytes = whole.sizes.ramBytes - base.ramBytes;
  const stackBytes = worst(whole.answers.map((answer) => answer.stackBytes));
  const firstDifference = difference(graph, inputs, layered, whole.answers);
  return {
    core,
    ...(platform.target === 'avr'
      ? ({ origin: 'virtual-cycles', unit: 'cycles' } as const)
      : ({ origin: 'virtual-instructions', unit: 'instructions' } as const)),
    optimize,
    inputs: inputs.length,
    instructions: worst(whole.answers.map(({ instructions }) => instructions)),
    macs: emitted.report.macs,
    layers: graph.nodes.map((node, index) => ({
      ...describe(graph, node, index),
      kernel: emitted.report.kernels[index]!.variant,
      instructions: worst(layered.map(({ layerInstructions }) => layerInstructions[index]!)),
      predicted: emitted.report.kernels[index]!.instructions,
    })),
    flash: {
      totalBytes: flash,
      weightBytes: whole.sizes.constantBytes,
      codeBytes: flash - whole.sizes.constantBytes,
    },
    ram: {
      totalBytes: staticBytes + stackBytes,
      arenaBytes: emitted.report.arenaBytes,
      staticBytes: staticBytes - emitted.report.arenaBytes,
      stackBytes,
    },
    bitExact: firstDifference === null,
    firstDifference,
  };
}

function describe(graph: Graph, node: Node, index: number) {
  const operands = operandsOf(graph, node);
  const output = shapeText(operands.outputs[0]!.shape);
  return { index, name: node.name, op: node.op, output, macs: opNamed(node.op).cost(operands).macs };
}

/** Sums are largest at the ends of the range; rounding and clamping show on random bytes. */
function defaultInputs(graph: Graph): readonly (readonly TypedArray[])[] {
  const random = seededRandom(1);
  const make = (value: (limit: number) => number): readonly TypedArray[] =>
    graph.inputs.map((name) => {
      const { dtype, shape } = tensorOf(graph, name);
      const limit = dtype === 'int16' ? 32768 : 128;
      const values = new arrayTypeOf[dtype](elementCount(shape));
      return values.map(() => value(limit)) as TypedArray;
    });
  const anything = (limit: number): number => Math.floor(random() * 2 * limit) - limit;
  return [make(anything), make(anything), make((limit) => -limit), make((limit) => limit - 1)];
}

const bytesOf = ({ buffer, byteOffset, byteLength }: TypedArray): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Where the core and the reference part first, or null. */
function difference(
  graph: Graph,
  inputs: readonly (readonly TypedArray[])[],
  layered: readonly Answer[],
  whole: readonly Answer[],
): string | null {
  const interpreter = createInterpreter(graph);
  for (const [run, values] of inputs.entries()) {
    const layers = interpreter.runLayers(values);
    const wrong = layers.findIndex((layer, i) => !sameBytes(bytesOf(layer), layered[run]!.layers[i]!));
    if (wrong >= 0) return `input ${run}: layer ${wrong}, ${graph.nodes[wrong]!.op} "${graph.nodes[wrong]!.name}"`;
    const outputs = interpreter.run(values);
    if (outputs.some((output, i) => !sameBytes(bytesOf(output), whole[run]!.outputs[i]!)))
      return `input ${run}: the outputs of a program without hooks`;
  }
  return null;
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
