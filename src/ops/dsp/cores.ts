import type { Core } from '../../core/board-spec.js';

/** ARMv7E-M, and ARMv8-M with the DSP extension. */
export const dspCores: readonly Core[] = ['cortex-m4', 'cortex-m7', 'cortex-m33'];
