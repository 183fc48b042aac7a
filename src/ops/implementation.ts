/** All ways to compute a node on a core. */
import type { Core } from '../core/board-spec.js';
import type { Implementation, KernelVariant, OpDef, OpNode } from './op.js';
import { unpacking } from './packed/unpacking.js';
import { portableCost } from './portable-cost.js';

export type { Implementation, KernelVariant };

/** The portable one first, those over packed weights last; an AVR has no RAM to unpack them into. The node has passed the op's checkQuant. */
export function implementationsOf(op: OpDef, node: OpNode, core: Core): readonly Implementation[] {
  const variants = (op.variants ?? []).filter(({ cores }) => cores.includes(core));
  const all = [portableImplementation(op, node, core), ...variants.flatMap((variant) => variant.implement(node, core))];
  return op.quantization?.kind === 'weighted' && core !== 'avr' ? [...all, ...all.flatMap(unpacking)] : all;
}

export function portableImplementation(op: OpDef, node: OpNode, core: Core): Implementation {
  const cost = op.cost(node);
  return {
    variant: 'portable',
    ...portableCost(op.name, node, cost, core),
    weightBytes: cost.weightBytes,
    scratchBytes: cost.scratchBytes,
    overwrites: op.overwrites?.(node) ?? [],
    emitC: (names) => op.emitC(node, names),
  };
}
