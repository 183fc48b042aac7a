/** The emitted C, built by this computer's compiler, as an Engine: what a board will run, without the board. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EmittedFile } from '../core/emitted-file.js';
import type { Engine } from '../core/engine.js';
import { ThimbleError } from '../core/errors.js';
import { type Graph, tensorOf } from '../core/graph.js';
import { arrayTypeOf, byteCount, type Tensor, type TypedArray } from '../core/tensor.js';
import { packageFolder } from '../files/package-folder.js';
import { BinaryProcess } from './binary-process.js';
import { runCompiler } from './c-compiler.js';

export interface CEngineOptions {
  readonly compiler?: string; // default: $CC, else cc
  readonly flags?: readonly string[]; // default: -std=c99 -O2
  readonly timeoutMs?: number; // of one inference
}

/**
 * Compiles and starts a C model; its folder lives until close().
 * @param graph what was emitted
 * @param files as emitCModel makes them for the name "model"
 * @throws ThimbleError E_TOOL_MISSING and E_BUILD_FAILED of the compiler
 */
export async function cEngine(
  graph: Graph,
  files: readonly EmittedFile[],
  options: CEngineOptions = {},
): Promise<Engine> {
  const folder = mkdtempSync(join(tmpdir(), 'thimble-c-'));
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeFolder);
  const forgetFolder = (): void => {
    process.off('exit', removeFolder);
    removeFolder();
  };
  try {
    const program = await build(graph, files, folder, options);
    return start(graph, program, options.timeoutMs ?? 120_000, forgetFolder);
  } catch (error) {
    forgetFolder();
    throw error;
  }
}

async function build(
  graph: Graph,
  files: readonly EmittedFile[],
  folder: string,
  options: CEngineOptions,
): Promise<string> {
  for (const { path, content } of files) writeFileSync(join(folder, path), content);
  writeFileSync(join(folder, 'runner_tensors.h'), runnerTensors(graph));
  const runner = join(packageFolder, 'firmware-templates', 'host', 'runner.c');
  const flags = options.flags ?? ['-std=c99', '-O2'];
  const args = [...flags, '-DMODEL_LAYER_HOOK=runner_layer', '-I', '.', '-o', 'runner', 'model.c', runner];
  await runCompiler(options.compiler ?? process.env['CC'] ?? 'cc', args, folder);
  return join(folder, 'runner');
}

/** The runner's input and output lists, as the two macros that it expects. */
function runnerTensors({ inputs, outputs }: Graph): string {
  const each = (
    names: readonly string[],
    direction: string,
    line: (pointer: string, bytes: string) => string,
  ): string =>
    names
      .map((_, i) => {
        const suffix = i === 0 ? '' : `_${i}`;
        return line(`model_${direction}${suffix}()`, `MODEL_${direction.toUpperCase()}${suffix}_BYTES`);
      })
      .join(' ');
  return (
    `#define RUNNER_READ_INPUTS ${each(inputs, 'input', (pointer, bytes) => `read_whole(${pointer}, ${bytes});`)}\n` +
    `#define RUNNER_WRITE_OUTPUTS ${each(outputs, 'output', (pointer, bytes) => `fwrite(${pointer}, 1, ${bytes}, stdout);`)}\n`
  );
}

function start(graph: Graph, program: string, timeoutMs: number, onClosed: () => void): Engine {
  const runner = new BinaryProcess('the emitted C on this computer', program);
  const tensors = (names: readonly string[]): readonly Tensor[] => names.map((name) => tensorOf(graph, name));
  const inputs = tensors(graph.inputs);
  const outputs = tensors(graph.outputs);
  const layers = tensors(graph.nodes.map(({ outputs: [first] }) => first!));

  const request = async (command: 'r' | 'l', values: readonly TypedArray[], expected: readonly Tensor[]) => {
    checkInputs(inputs, values);
    const parts = values.map((array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    const bytes = expected.reduce((sum, tensor) => sum + byteCount(tensor), 0);
    const answer = await runner.request([Buffer.from(command), ...parts], bytes, timeoutMs);
    let at = 0;
    return expected.map((tensor) => {
      const copy = Uint8Array.from(answer.subarray(at, (at += byteCount(tensor)))); // aligned for its type
      return new arrayTypeOf[tensor.dtype](copy.buffer);
    });
  };
  return {
    name: 'c',
    origin: 'host',
    run: (values) => request('r', values, outputs),
    runLayers: (values) => request('l', values, layers),
    async close() {
      await runner.close();
      onClosed();
    },
  };
}

function checkInputs(inputs: readonly Tensor[], values: readonly TypedArray[]): void {
  const fits =
    values.length === inputs.length && inputs.every((input, i) => values[i]!.byteLength === byteCount(input));
  if (!fits)
    throw new ThimbleError(
      'E_DATA_SHAPE',
      `the model takes ${inputs.map((input) => `${byteCount(input)} bytes of ${input.dtype}`).join(' and ')}, ` +
        `not ${values.map(({ byteLength }) => `${byteLength} bytes`).join(' and ')}`,
      'Give samples of the shape that `thimble inspect` shows.',
    );
}
