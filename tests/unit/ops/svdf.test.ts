/** A layer with a memory: its reference, the emitted C and the .tflite, over several calls and after a reset. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ThimbleError } from '../../../src/core/errors.js';
import { checkGraph, type Graph, type Node } from '../../../src/core/graph.js';
import type { Tensor } from '../../../src/core/tensor.js';
import { emitCModel } from '../../../src/emit/c-model.js';
import { emitTflite } from '../../../src/emit/tflite.js';
import { modelBindingText } from '../../../src/firmware/model-binding.js';
import { importTflite } from '../../../src/importers/tflite/tflite.js';
import { createInterpreter } from '../../../src/interpret/interpreter.js';
import { hostCEngine } from '../../../src/pipeline/host-c-engine.js';
import { kernelText } from '../../../src/pipeline/kernel-files.js';
import { planMemory } from '../../../src/plan/plan-memory.js';
import { floatTwin } from '../../../src/quantize/float-twin.js';
import { bytesOf, CProgram, canRun, platforms, strictFlags } from '../../emulated-core/c-program.js';
import { int8Tensor, int32Constant, randomBytes } from './random-ops.js';

interface Shape {
  readonly inputSize: number;
  readonly units: number;
  readonly rank: number;
  readonly memory: number;
  readonly zeroPoint: number;
  readonly wide: boolean; // a state of int16
  readonly fill: boolean; // weights and state at their ends, so that sums over time leave int32
}

/** Two layers in a row, the second like the first where sizes allow, so that they share code but no state. */
function network({ inputSize, units, rank, memory, zeroPoint, wide, fill }: Shape): Graph {
  const tensors: Tensor[] = [int8Tensor('x', [1, inputSize], 0.05, zeroPoint)];
  const nodes: Node[] = [];
  for (const [i, size] of [inputSize, units].entries()) {
    const [input, output] = [i === 0 ? 'x' : 'y0', `y${i}`];
    const dtype = wide ? ('int16' as const) : ('int8' as const);
    const symmetric = (scale: number) => ({ scale: [Math.fround(scale)], zeroPoint: [0], axis: null });
    const filters = units * rank;
    const time = Array.from(randomBytes(filters * memory), (w) => (fill ? 32767 : wide ? w * 256 + 17 : w));
    const weights = randomBytes(filters * size).map((w) => (fill ? 127 : Math.max(w, -127)));
    const quant = symmetric(0.006);
    tensors.push(
      { ...int8Tensor(`feature${i}`, [filters, size], 1, 0, weights), quant },
      {
        name: `time${i}`,
        shape: [filters, memory],
        dtype,
        quant: symmetric(wide ? 3e-5 : 0.008),
        data: wide ? Int16Array.from(time) : Int8Array.from(time),
      },
      int32Constant(
        `bias${i}`,
        [units],
        Array.from(randomBytes(units), (b) => b * (wide ? 100_000 : 10)),
      ),
      {
        name: `state${i}`,
        shape: [1, filters * memory],
        dtype,
        quant: symmetric(wide ? 2e-4 : 0.05),
        isVariable: true,
      },
      int8Tensor(output, [1, units], 0.05, zeroPoint),
    );
    const inputs = [input, `feature${i}`, `time${i}`, `bias${i}`, `state${i}`];
    const attrs = { rank, activation: 'none', asymmetricInputs: false };
    nodes.push({ name: output, op: 'svdf', inputs, outputs: [output], attrs });
  }
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  return checkGraph({ name: 'svdf', tensors: byName, nodes, inputs: ['x'], outputs: ['y1'] });
}

const small = (max: number) => fc.integer({ min: 1, max });
const shapes: readonly Shape[] = fc.sample(
  fc.record({
    inputSize: small(9),
    units: small(5),
    rank: small(3),
    memory: small(6),
    zeroPoint: fc.constantFrom(-128, 0, 127),
    wide: fc.constantFrom(true, true, false),
    fill: fc.constant(false),
  }),
  { numRuns: 14, seed: 6 },
);
const graphs = [
  ...shapes,
  { inputSize: 4, units: 4, rank: 2, memory: 3, zeroPoint: 0, wide: true, fill: false },
  { inputSize: 9, units: 2, rank: 2, memory: 5, zeroPoint: -128, wide: true, fill: true },
].map(network);
const CALLS = 8; // more than any memory

describe('svdf', () => {
  const [graph] = graphs as [Graph];
  const inputs = Array.from({ length: CALLS }, () => randomBytes(graph.tensors.get('x')!.shape[1]!));

  it('begins every run from zeros, unless told to go on', () => {
    const [fresh, going] = [createInterpreter(graph), createInterpreter(graph, { keepState: true })];
    const alone = inputs.map((input) => fresh.run([input])[0]!);
    const inARow = inputs.map((input) => going.run([input])[0]!);
    expect(inARow[0]).toEqual(alone[0]);
    expect(inARow.slice(1)).not.toEqual(alone.slice(1));
    expect(inputs.map((input) => fresh.run([input])[0]!)).toEqual(alone);
  });

  it('comes back from a .tflite with its state, which takes memory beside the arena', () => {
    for (const each of graphs) {
      const read = importTflite(emitTflite(each), each.name);
      expect(read).toEqual(each);
      const states = [...each.tensors.values()].filter(({ isVariable }) => isVariable);
      expect(planMemory(read).stateBytes).toBe(states.reduce((sum, { shape }) => sum + 2 * shape[1]!, 0));
      expect(states.every(({ name }) => !planMemory(read).offsets.has(name))).toBe(true);
    }
  });

  it('is told in the emitted header', () => {
    const options = { name: 'm', target: 'generic' as const, kernelText, modelSha256: '', version: 'test' };
    const header = String(emitCModel(graph, options).files[0]!.content);
    expect(header).toMatch(new RegExp(`M_STATE_BYTES ${planMemory(graph).stateBytes}\\n`));
    expect(header).toMatch(/void m_reset\(void\); \/\* forgets .* where a new recording begins/);
  });

  it('begins every request to a program or a board from zeros', async () => {
    expect(modelBindingText({ boardId: 'b', modelName: 'm', graph, hooks: false })).toContain('m_reset();');
    if (!canRun(platforms.gcc)) return;
    const engine = await hostCEngine(graph, { compiler: 'gcc' });
    const alone = createInterpreter(graph);
    for (const input of inputs.slice(0, 3)) expect(await engine.run([input])).toEqual(alone.run([input]));
    await engine.close();
  });

  it('shares code between layers alike, and no state', () => {
    const options = { name: 'm', target: 'generic' as const, kernelText, modelSha256: '', version: 'test' };
    const source = String(emitCModel(graphs[shapes.length]!, options).files[1]!.content);
    expect(source).toMatch(/svdf, portable: layers 0, 1/);
    expect(source.match(/^static int16_t m_layer\d_state\[24\];$/gm)).toHaveLength(2);
  });

  it('refuses a state that another node reads, and one that is none', () => {
    const twice = { ...graph, outputs: [...graph.outputs, 'state0'] };
    const plain = new Map(graph.tensors).set('state0', { ...graph.tensors.get('state0')!, isVariable: false });
    const codeOf = (broken: Graph): string => {
      try {
        importTflite(emitTflite(broken));
      } catch (error) {
        if (error instanceof ThimbleError) return error.code;
      }
      return 'none';
    };
    expect(codeOf(twice)).toBe('E_UNSUPPORTED_MODEL');
    expect(codeOf({ ...graph, tensors: plain })).toBe('E_MODEL_FORMAT');
  });

  it('is no network that can be explained layer by layer', () => {
    expect(() => floatTwin(graph)).toThrow(expect.objectContaining({ code: 'E_UNSUPPORTED_MODEL' }));
  });

  const { sanitizers } = platforms;
  const strict = { ...sanitizers, flags: [...sanitizers.flags, ...strictFlags] };
  it.skipIf(!canRun(strict))('gives the same bytes in C, call after call and after a reset (needs gcc)', () => {
    const program = new CProgram(
      graphs.map((each, i) => ({ name: `s${i}`, graph: each })),
      strict,
    );
    try {
      for (const [model, each] of graphs.entries()) {
        const size = each.tensors.get('x')!.shape[1]!;
        const samples = Array.from({ length: CALLS }, () => randomBytes(size)).concat(
          Array.from({ length: CALLS }, (_, i) => new Int8Array(size).fill(i % 3 === 2 ? -128 : 127)),
        );
        const requests = samples.map((input, i) => ({ model, inputs: [bytesOf(input)], continues: i % CALLS > 0 }));
        const answers = program.run(requests);
        for (const [i, input] of samples.entries()) {
          if (i % CALLS === 0) going = createInterpreter(each, { keepState: true });
          const expected = going!.run([input]).map((output) => [...bytesOf(output)]);
          expect(
            answers[i]!.outputs.map((output) => [...output]),
            `${model}, call ${i}`,
          ).toEqual(expected);
        }
      }
    } finally {
      program.close();
    }
  });
  let going: ReturnType<typeof createInterpreter> | undefined;
});
