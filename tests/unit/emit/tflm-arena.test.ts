/**
 * The bound on TFLite Micro's arena against what it really needs: the smallest arenas in which its interpreter ran, found
 * by trying (Cortex-M4, CMSIS-NN kernels), for three models. Skips where those models are not at hand.
 */
import { describe, expect, it } from 'vitest';
import type { Graph } from '../../../src/core/graph.js';
import { tflmArena } from '../../../src/emit/tflm-arena.js';
import { loadModel } from '../../../src/pipeline/load-model.js';
import { sharedPath, withoutShared } from '../../shared-folder.js';

const smallestWorking = { hello_world_int8: 1168, kws_ref_model: 22_832, pretrainedResnet_quant: 55_008 } as const;

describe.skipIf(withoutShared)(`TFLite Micro’s arena${withoutShared ? ' (needs ../shared)' : ''}`, () => {
  it.each(Object.entries(smallestWorking))('of %s is enough, and not much too large', async (name, needed) => {
    const { graph } = await loadModel(sharedPath(`models/${name}.tflite`));
    const { bytes, tailBytes, planBytes, planningBytes } = tflmArena(graph);
    expect(bytes).toBeGreaterThanOrEqual(needed);
    expect(bytes).toBeLessThan(1.15 * needed + 2048);
    expect(bytes).toBeGreaterThanOrEqual(tailBytes + Math.max(planBytes, planningBytes));
  });

  it('grows with MVE, whose depthwise kernels want more', async () => {
    const { graph } = await loadModel(sharedPath('models/kws_ref_model.tflite'));
    expect(tflmArena(graph, { vectors: true }).planBytes).toBeGreaterThan(tflmArena(graph).planBytes);
  });
});

describe('the greedy plan', () => {
  const tensor = (name: string, bytes: number) => [name, { name, shape: [1, bytes], dtype: 'int8' as const }] as const;
  const chain = (sizes: readonly number[]): Graph => ({
    name: 'chain',
    tensors: new Map(sizes.map((bytes, i) => tensor(`t${i}`, bytes))),
    nodes: sizes
      .slice(1)
      .map((_, i) => ({ name: `n${i}`, op: 'relu', inputs: [`t${i}`], outputs: [`t${i + 1}`], attrs: {} })),
    inputs: ['t0'],
    outputs: [`t${sizes.length - 1}`],
  });

  it('holds two neighbours at once, in 16-byte steps', () => {
    expect(tflmArena(chain([100, 200, 50])).planBytes).toBe(112 + 208);
    expect(tflmArena(chain([16, 64, 64, 16])).planBytes).toBe(128);
  });
});
