import type { Core } from '../../core/board-spec.js';

/** ARMv6-M and ARMv7-M without the DSP extension, and RV32 with multiplication. */
export const wordsCores: readonly Core[] = ['cortex-m0', 'cortex-m0plus', 'cortex-m3', 'rv32imc'];
