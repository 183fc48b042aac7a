/** Emitted models as one program, on this computer or on an emulated core: what the tests build from graphs. */
import { type Graph, tensorOf } from '../../src/core/graph.js';
import { byteCount, type TypedArray } from '../../src/core/tensor.js';
import { emitCModel } from '../../src/emit/c-model.js';
import { CoreProgram, emulatedCores, type Platform } from '../../src/engines/core-program.js';
import { kernelText } from '../../src/pipeline/kernel-files.js';
import type { ChoiceOptions } from '../../src/plan/choose-implementations.js';

export { type Answer, canRun, hasTool, type Platform, type Request } from '../../src/engines/core-program.js';

export interface ProgramModel {
  readonly name: string; // in C
  readonly graph: Graph;
}

export const strictFlags = ['-pedantic', '-Wall', '-Wextra', '-Wconversion', '-Wshadow', '-Werror'];
export const platforms = {
  gcc: { target: 'generic', compiler: 'gcc', flags: ['-std=c99', '-O2', ...strictFlags] },
  sanitizers: {
    target: 'generic',
    compiler: 'gcc',
    flags: ['-std=c99', '-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'],
  },
  cplusplus: { target: 'generic', compiler: 'g++', flags: ['-x', 'c++', '-std=c++11', '-O1', ...strictFlags] },
  ...emulatedCores,
} as const satisfies Record<string, Platform>;

export interface ProgramOptions {
  readonly hooks?: boolean; // answers hold every layer; default true
  readonly choice?: ChoiceOptions; // which kernels
  readonly edit?: (path: string, content: string) => string; // breaks emitted files on purpose
}

/** A built program; close() removes its folder. */
export class CProgram extends CoreProgram {
  constructor(models: readonly ProgramModel[], platform: Platform, options: ProgramOptions = {}) {
    super(
      models.map(({ name, graph }) => ({ name, ...sizesOf(graph), files: emit(name, graph, platform, options) })),
      platform,
      options.hooks ?? true,
    );
  }
}

function emit(name: string, graph: Graph, { target }: Platform, { choice, edit }: ProgramOptions) {
  const about = { name, target, kernelText, modelSha256: '', version: 'test' };
  const { files } = emitCModel(graph, { ...about, ...choice });
  return edit ? files.map(({ path, content }) => ({ path, content: edit(path, String(content)) })) : files;
}

function sizesOf(graph: Graph) {
  const bytes = (names: readonly string[]): number[] => names.map((name) => byteCount(tensorOf(graph, name)));
  return {
    inputs: bytes(graph.inputs),
    outputs: bytes(graph.outputs),
    layers: bytes(graph.nodes.map(({ outputs: [first] }) => first!)),
  };
}

export const bytesOf = (array: TypedArray): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
