/** What a .tflite may hold that Thimble does not run, and for each a way out that a person can take. */
import { ThimbleError } from '../../core/errors.js';
import { builtinName } from './schema.js';

const wayOut = {
  representative:
    'Give the float32 model instead, and thimble compress makes the int8 one; or convert with full-integer quantization: converter.representative_dataset and target_spec.supported_ops = [TFLITE_BUILTINS_INT8].',
  float32: 'Convert again without converter.optimizations, which gives float32; thimble compress then makes int8.',
  static: 'Fix the input shape before converting: tf.keras.Input(shape=…, batch_size=1).',
} as const;

const reasons = {
  float16: ['float16 activations: microcontroller kernels have none', wayOut.float32],
  uint8: ['the old uint8 quantization, which no int8 kernel reads', wayOut.representative],
  hybrid: ['dynamic-range (hybrid) quantization that cannot be read back as float', wayOut.representative],
  type: ['a type that Thimble does not compute with', wayOut.float32],
  quantization: ['a custom quantization', wayOut.representative],
  dynamic: ['a shape that is only known at run time', wayOut.static],
  batch: ['a batch other than 1: a board sees one sample at a time', wayOut.static],
  sparse: ['sparse storage', 'Convert again without the sparsity optimization (EXPERIMENTAL_SPARSITY).'],
  variable: [
    'state that outlives one inference (a variable tensor) of an operator that has none in Thimble',
    'Feed the state as an ordinary input and output.',
  ],
  outside: ['weights outside the flatbuffer', 'Convert again into a single file below 2 GB.'],
  subgraphs: [
    'several subgraphs (if, while, call_once or several signatures)',
    'Export one function without control flow: unroll loops (unroll=True on recurrent layers).',
  ],
} as const satisfies Record<string, readonly [what: string, hint: string]>;

/** The error for a model with a feature that Thimble leaves out. `tensor` is where it was met. */
export function refuseModel(reason: keyof typeof reasons, tensor?: string, detail?: string): ThimbleError {
  const [what, hint] = reasons[reason];
  return new ThimbleError(
    'E_UNSUPPORTED_MODEL',
    `the model has ${what}${detail ? `: ${detail}` : ''}`,
    hint,
    tensor === undefined ? {} : { where: `at tensor "${tensor}"` },
  );
}

export interface UnsupportedNode {
  readonly node: string;
  readonly op: string; // builtin or custom name
  readonly reason?: string; // why an op that Thimble has cannot run in this form
}

const opWaysOut: Readonly<Record<string, string>> = {
  custom: 'train without the layer, or convert with TensorFlow Lite built-ins only',
  div: 'multiply by the reciprocal',
  exp: 'leave it out of the model and apply it to the outputs',
  log_softmax: 'end in softmax; the order of the classes is the same',
  elu: 'use relu or leaky_relu',
  gelu: 'use relu or hard_swish',
  lstm: 'use 1-D convolutions over time',
  unidirectional_sequence_lstm: 'use 1-D convolutions over time',
  unidirectional_sequence_rnn: 'use 1-D convolutions over time',
  shape: 'fix the batch size to 1 before converting, and the op disappears',
  arg_max: 'leave it out: Thimble finds the largest output itself',
  cast: 'give the model float32 inputs',
  rfft2d: 'compute features before the model',
};

const namedPerOp = 50; // nodes; nobody reads more

/** One error for all nodes that cannot run. */
export function unsupportedOps(nodes: readonly UnsupportedNode[]): ThimbleError {
  const byOp = new Map<string, UnsupportedNode[]>();
  for (const node of nodes) byOp.set(node.op, [...(byOp.get(node.op) ?? []), node]);
  const lines = [...byOp].map(([op, users]) => {
    const names = users.slice(0, namedPerOp).map(({ node }) => `"${node}"`);
    const more = users.length > namedPerOp ? ` and ${users.length - namedPerOp} more` : '';
    const reason = users.find((user) => user.reason)?.reason;
    const fix = opWaysOut[op.startsWith('custom') ? 'custom' : op] ?? 'replace the layer, or move it out of the model';
    return `${op} at ${names.join(', ')}${more}: ${reason ?? fix}`;
  });
  return new ThimbleError(
    'E_UNSUPPORTED_OP',
    `${nodes.length} of the model's operators cannot run: ${lines.join('; ')}`,
    'Change these layers and export again, or cut the model before them; docs/operators.md lists those that Thimble runs.',
    { where: `at node "${nodes[0]?.node}"` },
  );
}

/** 'elu', 'custom TFLite_Detection_PostProcess'. */
export const opLabel = (builtin: number, customName: string): string =>
  customName === '' ? builtinName(builtin) : `custom ${customName}`;
