/** Threshold and debounce in C against their definition: the last k inferences in a row chose one class at or above it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { findProgram } from '../../../src/tools/find-program.js';
import { projectFolder } from '../../shared-folder.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-decision-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const program = `#include <stdio.h>
#include <math.h>
#include "thimble_decision.h"
int main(void)
{
    int debounce, best;
    double threshold, score;
    struct thimble_decider decider;
    while (scanf("start %lf %d ", &threshold, &debounce) == 2) {
        const struct thimble_decision_rules rules = {(float)threshold, (unsigned char)debounce};
        thimble_decision_start(&decider);
        while (scanf("%d %lf ", &best, &score) == 2) {
            const struct thimble_decision d = thimble_decide(&decider, &rules, (short)best, (float)score);
            printf("%d%s ", d.class_index, d.changed ? "!" : "");
        }
        printf("\\n");
    }
    return 0;
}
`;

/** The definition, written the slow way. */
function expected(threshold: number, debounce: number, inferences: readonly (readonly [number, number])[]): string {
  const choices = inferences.map(([best, score]) => (score >= threshold ? best : -1));
  let decided = -1;
  return choices
    .map((choice, i) => {
      const row = choices.slice(Math.max(0, i + 1 - debounce), i + 1);
      const agreed = row.length === debounce && row.every((each) => each === choice);
      const changed = agreed && choice !== decided;
      if (changed) decided = choice;
      return `${decided}${changed ? '!' : ''}`;
    })
    .join(' ');
}

it.skipIf(!findProgram('gcc'))('decides as defined (needs gcc)', () => {
  writeFileSync(join(folder, 'main.c'), program);
  const sketch = join(projectFolder, 'firmware-templates/sketch');
  const binary = join(folder, 'decide');
  execFileSync('gcc', [
    '-std=c99',
    '-Wall',
    '-Wextra',
    '-Wconversion',
    '-Werror',
    '-fsanitize=address,undefined',
    `-I${sketch}`,
    join(folder, 'main.c'),
    join(sketch, 'thimble_decision.c'),
    '-o',
    binary,
  ]);
  const inference = fc.tuple(fc.integer({ min: 0, max: 2 }), fc.constantFrom(-1, 0, 0.25, 0.5, 0.75, Number.NaN));
  const cases = fc.sample(
    fc.tuple(
      fc.constantFrom(0, 0.5, 0.75),
      fc.integer({ min: 1, max: 4 }),
      fc.array(inference, { minLength: 1, maxLength: 30 }),
    ),
    { numRuns: 300, seed: 7 },
  );
  const input = cases
    .map(
      ([threshold, debounce, each]) =>
        `start ${threshold} ${debounce} ${each.map(([best, score]) => `${best} ${score}`).join(' ')}`,
    )
    .join(' ');
  const lines = execFileSync(binary, { input, encoding: 'utf8' })
    .trimEnd()
    .split('\n')
    .map((line) => line.trim());
  expect(lines).toEqual(cases.map(([threshold, debounce, each]) => expected(threshold, debounce, each)));
  expect(lines.some((line) => line.includes('!'))).toBe(true);
  // More than 255 in a row is still one decision.
  const long = `start 0.5 3 ${'1 0.9 '.repeat(700)}`;
  expect(execFileSync(binary, { input: long, encoding: 'utf8' }).match(/!/g)).toHaveLength(1);
});
