/** The parts of the published .tflite schema (version 3) that Thimble reads and writes: field ids and enum numbers. */
import type { Dtype } from '../../core/tensor.js';

export const fileIdentifier = 'TFL3';
export const schemaVersion = 3;
export const metadataName = 'THIMBLE'; // the metadata entry that holds ModelMetadata as JSON

export const field = {
  model: { version: 0, operatorCodes: 1, subgraphs: 2, description: 3, buffers: 4, metadata: 6 },
  subgraph: { tensors: 0, inputs: 1, outputs: 2, operators: 3, name: 4 },
  tensor: {
    shape: 0,
    type: 1,
    buffer: 2,
    name: 3,
    quantization: 4,
    isVariable: 5,
    sparsity: 6,
    shapeSignature: 7,
    externalBuffer: 10,
  },
  buffer: { bytes: 0, offset: 1, size: 2 },
  operatorCode: { deprecatedBuiltinCode: 0, customCode: 1, version: 2, builtinCode: 3 },
  operator: { opcodeIndex: 0, inputs: 1, outputs: 2, optionsType: 3, options: 4, options2Type: 11 },
  quantization: { scale: 2, zeroPoint: 3, detailsType: 4, quantizedDimension: 6 },
  metadata: { name: 0, buffer: 1 },
} as const;

/** TensorType numbers of the types that Thimble computes with. */
export const tensorTypeOf: Readonly<Record<Dtype, number>> = { float32: 0, int32: 2, int64: 4, int16: 7, int8: 9 };
export const dtypeOf: ReadonlyMap<number, Dtype> = new Map(
  Object.entries(tensorTypeOf).map(([dtype, type]) => [type, dtype as Dtype]),
);

/** All TensorType names by number, for messages. */
export const tensorTypeNames: readonly string[] =
  'float32 float16 int32 uint8 int64 string bool int16 complex64 int8 float64 complex128 uint64 resource variant uint32 uint16 int4 bfloat16 int2 uint4 float8 float8'.split(
    ' ',
  );

export const builtinCustom = 32;

// BuiltinOperator names by number, for messages.
const builtinNames = `add average_pool_2d concatenation conv_2d depthwise_conv_2d depth_to_space dequantize
embedding_lookup floor fully_connected hashtable_lookup l2_normalization l2_pool_2d local_response_normalization
logistic lsh_projection lstm max_pool_2d mul relu relu_n1_to_1 relu6 reshape resize_bilinear rnn softmax space_to_depth
svdf tanh concat_embeddings skip_gram call custom embedding_lookup_sparse pad unidirectional_sequence_rnn gather
batch_to_space_nd space_to_batch_nd transpose mean sub div squeeze unidirectional_sequence_lstm strided_slice
bidirectional_sequence_rnn exp topk_v2 split log_softmax delegate bidirectional_sequence_lstm cast prelu maximum arg_max
minimum less neg padv2 greater greater_equal less_equal select slice sin transpose_conv sparse_to_dense tile expand_dims
equal not_equal log sum sqrt rsqrt shape pow arg_min fake_quant reduce_prod reduce_max pack logical_or one_hot
logical_and logical_not unpack reduce_min floor_div reduce_any square zeros_like fill floor_mod range
resize_nearest_neighbor leaky_relu squared_difference mirror_pad abs split_v unique ceil reverse_v2 add_n gather_nd cos
where rank elu reverse_sequence matrix_diag quantize matrix_set_diag round hard_swish if while non_max_suppression_v4
non_max_suppression_v5 scatter_nd select_v2 densify segment_sum batch_matmul placeholder cumsum call_once broadcast_to
rfft2d conv_3d imag real complex_abs hashtable hashtable_find hashtable_import hashtable_size reduce_all
conv_3d_transpose var_handle read_variable assign_variable broadcast_args random_standard_normal bucketize
random_uniform multinomial gelu`.split(/\s+/);

export const builtinName = (code: number): string => builtinNames[code] ?? `builtin ${code}`;
