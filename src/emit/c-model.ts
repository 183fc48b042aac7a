/**
 * The C model: a checked int8 graph as a folder of C99 (and C++11) that compiles by itself. Operators bring kernels,
 * constants and one call each; here they are ordered, named and laid out. The same input gives the same bytes.
 */
import type { BoardSpec, Core } from '../core/board-spec.js';
import type { EmittedFile } from '../core/emitted-file.js';
import { ThimbleError } from '../core/errors.js';
import { type Graph, isConstant } from '../core/graph.js';
import { opNamed } from '../ops/index.js';
import { operandsOf } from '../ops/op.js';
import { type ChoiceOptions, chooseImplementations, type Optimize } from '../plan/choose-implementations.js';
import { type MemoryPlan, planMemory } from '../plan/plan-memory.js';
import { checkCName, withPrefix } from './c-model/c-name.js';
import { headerText } from './c-model/header.js';
import { cTypeOf, interfaceTensors } from './c-model/interface-tensor.js';
import { emittedKernels, type KernelText, kernelClosure } from './c-model/kernel-files.js';
import { constantBytes, emitLayer, type Layer } from './c-model/layer.js';
import { preprocessCode } from './c-model/preprocess.js';
import { shareCode } from './c-model/share-code.js';
import { shareConstants } from './c-model/share-constants.js';
import { sourceText } from './c-model/source.js';

export interface CModelOptions extends ChoiceOptions {
  readonly name: string; // prefix of every file, symbol and macro
  readonly target: Core;
  readonly kernelText: KernelText; // the text of a kernel header by file name
  readonly modelSha256: string; // of the .tflite that the graph came from
  readonly modelBytes?: number; // its size
  readonly version: string; // of Thimble
  readonly board?: Pick<BoardSpec, 'id' | 'ramBytes' | 'flashBytes'>; // asserts at compile time that the arena fits
}

export interface CModelReport {
  readonly arenaBytes: number;
  readonly lowerBoundBytes: number;
  readonly weightBytes: number; // constants in flash
  readonly macs: number;
  readonly layerCount: number;
  readonly plan: MemoryPlan;
  /** By layer: the kernel chosen, and how many instructions the cost table predicts for it. */
  readonly kernels: readonly { readonly variant: string; readonly instructions: number }[];
}

/** What DIR/thimble.json says beside the list of files. */
export interface CModelManifest {
  readonly thimble: string; // version
  readonly kind: 'c-model';
  readonly name: string;
  readonly target: Core;
  readonly optimize: Optimize;
  readonly modelSha256: string;
  readonly recipe: { readonly name: string; readonly sha256: string } | null;
}

export interface CModel {
  readonly files: readonly EmittedFile[]; // NAME.h first
  readonly manifest: CModelManifest;
  readonly report: CModelReport;
}

/**
 * @throws ThimbleError E_USAGE (name), E_QUANT (all nodes that no int8 kernel can honour), E_UNSUPPORTED_MODEL,
 * E_CONFIG (preprocessing that does not fit the input), E_DOES_NOT_FIT (more constants than an AVR can address)
 */
export function emitCModel(graph: Graph, options: CModelOptions): CModel {
  const { target, kernelText, modelSha256, version, optimize = 'balanced' } = options;
  const name = checkCName(options.name);
  checkEmittable(graph);
  const { implementations } = chooseImplementations(graph, target, options);
  const plan = planMemory(graph, { needs: implementations });
  const inputs = interfaceTensors(graph, plan, name, 'input');
  const outputs = interfaceTensors(graph, plan, name, 'output');
  const emitted = implementations.map((each, index) => emitLayer(graph, index, plan, each, name));
  const shared = shareCode(emitted, name);
  const layers = shareConstants(shared.layers);
  const { metadata } = graph;
  const [firstInput] = inputs;
  const preprocess = metadata?.preprocessing && firstInput && preprocessCode(metadata.preprocessing, firstInput, name);
  const kernelFiles = kernelClosure(['thimble_base.h', ...layers.flatMap(({ kernels }) => kernels)], kernelText);
  if (target === 'avr') checkAvr(layers);
  const arenaBytes = Math.max(plan.arenaBytes, 1);
  const weightBytes = layers.reduce((sum, { constants }) => sum + constantBytes(constants), 0);
  const parts = { name, inputs, outputs, layers };
  const header = headerText({
    ...parts,
    target,
    version,
    modelSha256,
    modelBytes: options.modelBytes,
    metadata,
    arenaBytes,
    lowerBoundBytes: plan.lowerBoundBytes,
    stateBytes: plan.stateBytes,
    weightBytes,
    hasPreprocess: preprocess !== undefined,
  });
  const source = sourceText({
    ...parts,
    functions: shared.functions,
    kernelFiles: kernelFiles.map((file) => withPrefix(file, name)),
    labels: metadata?.labels ?? [],
    preprocess,
    board: options.board,
  });
  return {
    files: [
      { path: `${name}.h`, content: header },
      { path: `${name}.c`, content: source },
      ...emittedKernels(kernelFiles, kernelText, name),
    ],
    manifest: {
      thimble: version,
      kind: 'c-model',
      name,
      target,
      optimize,
      modelSha256,
      recipe: metadata?.recipe ?? null,
    },
    report: {
      arenaBytes,
      lowerBoundBytes: plan.lowerBoundBytes,
      weightBytes,
      macs: layers.reduce((sum, layer) => sum + layer.macs, 0),
      layerCount: layers.length,
      plan,
      kernels: implementations.map(({ variant, instructions }) => ({ variant, instructions })),
    },
  };
}

/** Everything that C could not honour, all nodes at once. */
function checkEmittable(graph: Graph): void {
  const computed = [...graph.tensors.values()].filter((tensor) => !isConstant(tensor));
  const float = graph.nodes.length > 0 && computed.every(({ dtype }) => dtype === 'float32');
  if (float)
    throw new ThimbleError(
      'E_UNSUPPORTED_MODEL',
      `"${graph.name}" is a float32 model; C is emitted for int8 models`,
      'Quantize it first: thimble compress MODEL --data FOLDER -o DIR',
    );
  const types = computed
    .filter(({ dtype }) => cTypeOf[dtype] === undefined)
    .map((tensor) => `tensor "${tensor.name}" is ${tensor.dtype}`);
  const faults = graph.nodes.flatMap((node) =>
    opNamed(node.op)
      .checkQuant(operandsOf(graph, node))
      .map((fault) => `node "${node.name}" (${node.op}): ${fault}`),
  );
  const all = [...types, ...faults];
  if (all.length > 0)
    throw new ThimbleError(
      'E_QUANT',
      `${all.length === 1 ? 'one fault keeps' : `${all.length} faults keep`} "${graph.name}" from running as int8:\n${all.map((fault) => `  ${fault}`).join('\n')}`,
      'Quantize the float model again: thimble compress MODEL --data FOLDER -o DIR',
    );
}

/** AVR reads program memory through 16-bit addresses, and no array may exceed a 16-bit ptrdiff_t. */
const AVR_CONSTANT_BYTES = 60 * 1024; // 64 KiB less vectors and what else lies there
const AVR_ARRAY_BYTES = 32767;

function checkAvr(layers: readonly Layer[]): void {
  const total = layers.reduce((sum, layer) => sum + constantBytes(layer.constants), 0);
  const large = layers.find(({ constants }) => constants.some((array) => constantBytes([array]) > AVR_ARRAY_BYTES));
  if (total <= AVR_CONSTANT_BYTES && !large) return;
  throw new ThimbleError(
    'E_DOES_NOT_FIT',
    `an AVR reaches ${AVR_CONSTANT_BYTES / 1024} KiB of constants, at most 32 KiB each; the model has ${Math.ceil(total / 1024)} KiB`,
    ['Prune channels: --prune channels=0.5', 'Use a board with a 32-bit core; `thimble boards` lists them.'],
    large ? { where: `at node "${large.node.name}" (${large.node.op})` } : {},
  );
}
