/**
 * The real TensorFlow Lite runtime, compiled to WebAssembly inside @tensorflow/tfjs-tflite, as an Engine. Its kernels
 * (XNNPACK) round once where TFLite Micro rounds twice: single operators agree within 1 LSB, whole networks in their
 * answers, not in every bit.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Engine } from '../core/engine.js';
import { ThimbleError } from '../core/errors.js';
import type { TypedArray } from '../core/tensor.js';

const modulePath = '@tensorflow/tfjs-tflite/wasm/tflite_web_api_cc_simd.js';

/** What the package's Emscripten module offers of it. */
interface TfliteModule {
  readonly HEAPU8: Uint8Array; // replaced when memory grows: never keep it
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  readonly TFLiteWebModelRunner: {
    CreateFromBufferAndOptions(pointer: number, bytes: number, options: RunnerOptions): StatusOrRunner;
  };
}
interface RunnerOptions {
  readonly numThreads: number;
  readonly enableProfiling: boolean;
  readonly maxProfilingBufferEntries: number; // must be there
}
interface Deletable {
  delete(): void;
}
interface StatusOrRunner extends Deletable {
  ok(): boolean;
  errorMessage(): string;
  value(): Runner;
}
interface Runner extends Deletable {
  GetInputs(): TensorList;
  GetOutputs(): TensorList;
  Infer(): boolean;
}
interface TensorList extends Deletable {
  size(): number;
  get(index: number): RuntimeTensor;
}
interface RuntimeTensor extends Deletable {
  readonly name: string;
  data(): TypedArray; // a view into the module's memory
}
type ModuleFactory = (options: {
  readonly wasmBinary: Uint8Array;
  readonly print: (line: string) => void;
  readonly printErr: (line: string) => void;
}) => Promise<TfliteModule>;

/**
 * Loads a .tflite into the runtime, single-threaded. Inputs and outputs are float32 or int8, as the model has them.
 * Every engine has a memory of its own (32 MiB and up), which goes with close().
 * @throws ThimbleError E_ENGINE with the runtime's words where it refuses the model
 */
export async function tfliteRuntimeEngine(model: Uint8Array): Promise<Engine> {
  const said: string[] = []; // the runtime explains itself on its standard error
  const module = await loadModule((line) => said.push(line));
  let runner: Runner;
  try {
    runner = createRunner(module, model);
  } catch (cause) {
    throw refused(said, cause);
  }
  let open = true;
  return {
    name: 'tflite',
    origin: 'host',
    async run(inputs) {
      if (!open) throw new TypeError('this engine is closed');
      try {
        return infer(runner, inputs);
      } catch (cause) {
        if (cause instanceof ThimbleError) throw cause;
        throw died(said, cause);
      }
    },
    async close() {
      if (open) runner.delete();
      open = false;
    },
  };
}

async function loadModule(onLine: (line: string) => void): Promise<TfliteModule> {
  try {
    const require = createRequire(import.meta.url);
    const path = require.resolve(modulePath);
    const create = require(path) as ModuleFactory;
    return await create({ wasmBinary: readFileSync(path.replace(/\.js$/, '.wasm')), print: onLine, printErr: onLine });
  } catch (cause) {
    throw new ThimbleError('E_ENGINE', 'the TensorFlow Lite runtime does not load', 'Install the packages: npm ci', {
      cause,
    });
  }
}

/** The runtime reads the model in place, so its copy stays until the module goes. */
function createRunner(module: TfliteModule, model: Uint8Array): Runner {
  const pointer = module._malloc(model.length);
  module.HEAPU8.set(model, pointer);
  const status = module.TFLiteWebModelRunner.CreateFromBufferAndOptions(pointer, model.length, {
    numThreads: 1,
    enableProfiling: false,
    maxProfilingBufferEntries: 0,
  });
  if (!status.ok()) throw new Error(status.errorMessage());
  return status.value();
}

function infer(runner: Runner, inputs: readonly TypedArray[]): readonly TypedArray[] {
  const expected = tensorsOf(runner.GetInputs());
  if (expected.length !== inputs.length)
    throw new ThimbleError('E_DATA_SHAPE', `the model has ${expected.length} inputs, not ${inputs.length}`, hintShape);
  expected.forEach((tensor, i) => {
    const [memory, values] = [tensor.data(), inputs[i]!];
    if (memory.constructor !== values.constructor || memory.length !== values.length)
      throw new ThimbleError(
        'E_DATA_SHAPE',
        `input "${tensor.name}" takes ${memory.length} values in a ${memory.constructor.name}, not ${values.length} in a ${values.constructor.name}`,
        hintShape,
      );
    memory.set(values);
    tensor.delete();
  });
  if (!runner.Infer()) throw new Error('inference failed');
  return tensorsOf(runner.GetOutputs()).map((tensor) => {
    const values = tensor.data().slice();
    tensor.delete();
    return values;
  });
}

function tensorsOf(list: TensorList): readonly RuntimeTensor[] {
  const tensors = Array.from({ length: list.size() }, (_, i) => list.get(i));
  list.delete();
  return tensors;
}

const hintShape = 'Check that data and model belong together.';

const refused = (said: readonly string[], cause: unknown): ThimbleError =>
  new ThimbleError(
    'E_ENGINE',
    `TensorFlow Lite's runtime refuses the model: ${wordsOf(said, cause)}`,
    ['Use another engine: the reference interpreter runs every model that thimble inspect accepts.'],
    { cause },
  );

const died = (said: readonly string[], cause: unknown): ThimbleError =>
  new ThimbleError('E_ENGINE', `TensorFlow Lite's runtime died: ${wordsOf(said, cause)}`, 'Use another engine.', {
    cause,
  });

function wordsOf(said: readonly string[], cause: unknown): string {
  const errors = said.filter((line) => !line.startsWith('INFO:')).map((line) => line.replace(/^ERROR: /, ''));
  const last = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
  return [...errors.slice(-3), last].join(' ');
}
