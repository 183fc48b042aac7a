import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { projectFolder } from '../../shared-folder.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-text-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const runtime = join(projectFolder, 'firmware-templates/runtime');

const program = `#include <stdio.h>
#include "thimble_link.h"
#include "thimble_text.h"
void thimble_link_put(uint8_t byte) { putchar(byte); }
int main(void)
{
    float value;
    unsigned decimals;
    while (scanf("%f %u", &value, &decimals) == 2) {
        thimble_put_decimal(value, (uint8_t)decimals);
        putchar('\\n');
    }
    return 0;
}
`;

/** The values as the firmware writes them, with that many decimals each. */
function written(values: readonly (readonly [value: string, decimals: number])[]): string[] {
  const [source, binary] = [join(folder, 'text.c'), join(folder, 'text')];
  writeFileSync(source, program);
  const sources = [source, join(runtime, 'thimble_text.c'), join(runtime, 'thimble_crc32.c')];
  execFileSync('cc', ['-std=c99', '-fsanitize=address,undefined', '-I', runtime, ...sources, '-o', binary]);
  const input = values.map((pair) => pair.join(' ')).join('\n');
  return execFileSync(binary, { input, encoding: 'utf8' }).trimEnd().split('\n');
}

describe('real numbers without printf', () => {
  it('rounds, carries, and bounds what has no short form', () => {
    const cases = [
      ['0', 3, '0.000'],
      ['0.99996', 3, '1.000'],
      ['0.0006', 3, '0.001'],
      ['0.0004', 3, '0.000'],
      ['-1.5', 0, '-2'],
      ['-0.25', 6, '-0.250000'],
      ['123456', 1, '123456.0'],
      ['1e30', 2, '2000000000.00'],
      ['-inf', 0, '-2000000000'],
      ['nan', 3, 'nan'],
    ] as const;
    expect(written(cases.map(([value, decimals]) => [value, decimals]))).toEqual(cases.map(([, , text]) => text));
  });

  it('is within half a unit of the last place over the range of scores', () => {
    const values = Array.from({ length: 2000 }, (_, i) => Math.fround(((i * 7919) % 4001) / 1000.5 - 2));
    written(values.map((value) => [value.toPrecision(9), 3])).forEach((text, i) => {
      expect(Math.abs(Number(text) - values[i]!), text).toBeLessThanOrEqual(0.000501);
    });
  });
});
