/**
 * What TFLite's 8-bit specification asks of each operator's quantization: which constants are weights, which outputs
 * have fixed parameters, which must share those of their input.
 */
export type OpRule =
  /** Inputs are [activation, weights, bias?]; weights symmetric, per channel along `axis` where the recipe says so. */
  | { readonly kind: 'weighted'; readonly axis: number }
  /** Moves or compares raw bytes: all float inputs and the output have one quantization. */
  | { readonly kind: 'same' }
  /** The output's range is known beforehand. */
  | { readonly kind: 'fixed'; readonly scale: number; readonly zeroPoint: number }
  /** Rescales: every tensor keeps a range of its own. */
  | { readonly kind: 'free' };

const same: OpRule = { kind: 'same' };
const free: OpRule = { kind: 'free' };
const probability: OpRule = { kind: 'fixed', scale: 1 / 256, zeroPoint: -128 }; // 0 … 255/256

const rules: Readonly<Record<string, OpRule>> = {
  conv_2d: { kind: 'weighted', axis: 0 }, //           [out, height, width, in]
  depthwise_conv_2d: { kind: 'weighted', axis: 3 }, // [1, height, width, out]
  fully_connected: { kind: 'weighted', axis: 0 }, //   [out, in]
  average_pool_2d: same,
  max_pool_2d: same,
  reshape: same,
  pad: same,
  concatenation: same,
  relu6: same, // clamps raw bytes by the input's quantization
  softmax: probability,
  logistic: probability,
  tanh: { kind: 'fixed', scale: 1 / 128, zeroPoint: 0 },
  add: free,
  sub: free,
  mul: free,
  mean: free,
  relu: free,
  leaky_relu: free,
  hard_swish: free,
};

/** undefined for operators that cannot be quantized, such as quantize itself. */
export const ruleOf = (op: string): OpRule | undefined => (Object.hasOwn(rules, op) ? rules[op] : undefined);
