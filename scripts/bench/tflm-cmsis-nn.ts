/**
 * TensorFlow Lite Micro with CMSIS-NN kernels, one Invoke(): quoted, not measured by these scripts. Instructions under
 * QEMU 7.2 -icount, the worst of three inputs; gcc 12.2, runtime at -Os and kernels at -O2 as its release build has
 * them. Flash is code and constants of the leanest registration (int8 only), WITHOUT the model. RAM and stack are
 * those on the Cortex-M4F, with the smallest arena that works.
 */
export interface QuotedEngine {
  readonly instructions: Readonly<Record<'cortex-m0plus' | 'cortex-m4' | 'cortex-m55', number>>;
  readonly codeBytes: Readonly<Record<'cortex-m0plus' | 'cortex-m4' | 'cortex-m55', number>>;
  readonly staticRamBytes: number;
  readonly stackBytes: number;
}

export const tflmCmsisNn = {
  hello_world_int8: {
    instructions: { 'cortex-m0plus': 7_170, 'cortex-m4': 3_527, 'cortex-m55': 2_138 },
    codeBytes: { 'cortex-m0plus': 31_536, 'cortex-m4': 27_316, 'cortex-m55': 19_296 },
    staticRamBytes: 1_440,
    stackBytes: 788,
  },
  kws_ref_model: {
    instructions: { 'cortex-m0plus': 28_999_326, 'cortex-m4': 7_698_401, 'cortex-m55': 1_814_224 },
    codeBytes: { 'cortex-m0plus': 58_416, 'cortex-m4': 53_660, 'cortex-m55': 44_976 },
    staticRamBytes: 24_372,
    stackBytes: 1_284,
  },
  pretrainedResnet_quant: {
    instructions: { 'cortex-m0plus': 97_568_716, 'cortex-m4': 29_864_752, 'cortex-m55': 4_913_781 },
    codeBytes: { 'cortex-m0plus': 55_996, 'cortex-m4': 51_432, 'cortex-m55': 41_720 },
    staticRamBytes: 56_548,
    stackBytes: 1_284,
  },
} as const satisfies Record<string, QuotedEngine>;
