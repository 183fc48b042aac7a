/** Compares what a program answered with golden bytes, and says where they part. */
import type { Answer, CProgram } from '../emulated-core/c-program.js';
import type { GoldenModel, GoldenRun } from './golden-files.js';

interface Planned {
  readonly model: GoldenModel;
  readonly index: number;
  readonly run: GoldenRun;
}

/**
 * Runs every golden run twice, the second time after all others, so that what an inference leaves behind would show.
 * @returns one sentence per mismatch, and how many bytes were compared
 */
export function mismatches(
  program: CProgram,
  models: readonly GoldenModel[],
): { readonly faults: readonly string[]; readonly bytes: number } {
  const each = models.map((model, index) => model.runs.map((run): Planned => ({ model, index, run })));
  const backwards = (runs: Planned[]): Planned[] => (runs.some(({ run }) => run.continues) ? runs : runs.toReversed());
  const planned = [...each.flat(), ...each.map(backwards).reverse().flat()];
  const answers = program.run(
    planned.map(({ index, run: { inputs, continues = false } }) => ({ model: index, inputs, continues })),
  );
  const faults: string[] = [];
  let bytes = 0;
  planned.forEach(({ model, run }, i) => {
    const [fault, compared] = compare(model, run, answers[i]!);
    bytes += compared;
    if (fault !== undefined) faults.push(`${model.name} ${run.label}: ${fault}`);
  });
  return { faults, bytes };
}

function compare({ graph }: GoldenModel, run: GoldenRun, answer: Answer): [fault: string | undefined, bytes: number] {
  let bytes = 0;
  const first = (expected: Uint8Array, actual: Uint8Array, what: string): string | undefined => {
    bytes += expected.length;
    if (expected.length !== actual.length) return `${what} has ${actual.length} bytes, not ${expected.length}`;
    const at = expected.findIndex((byte, i) => byte !== actual[i]);
    return at < 0 ? undefined : `${what} differs at byte ${at}: ${actual[at]} instead of ${expected[at]}`;
  };
  const faults: (string | undefined)[] = [];
  if (run.layers) {
    let at = 0;
    for (const [i, layer] of answer.layers.entries()) {
      faults.push(first(run.layers.subarray(at, at + layer.length), layer, `layer ${i} (${graph.nodes[i]!.op})`));
      at += layer.length;
    }
    if (at !== run.layers.length) faults.push(`layers have ${at} bytes, not ${run.layers.length}`);
  }
  for (const [i, output] of run.outputs.entries()) faults.push(first(output, answer.outputs[i]!, `output ${i}`));
  return [faults.find((fault) => fault !== undefined), bytes];
}
