/** A sweep as a table on a terminal: every point, then the front on the test samples. */
import { originText, type SweepResult, type SweptPoint } from '../pipeline/sweep/sweep.js';
import type { Context } from './context.js';
import { differenceCells } from './quality-text.js';
import { bytesText, countText, percentText, tableText } from './table.js';

export function sweepText(result: SweepResult, context: Context): string {
  const { points, dropped, failed, float } = result;
  const parts = [pointTable(points, float.held.n, context)];
  if (dropped.length > 0) parts.push(`  Given up after the first rounds: ${dropped.join(', ')}`);
  for (const { name, error } of failed) parts.push(`  ${name} failed: ${error.message}`);
  parts.push(...remarks(points), '', frontTable(result, context), '', `  ${originText(result)}`);
  return parts.join('\n');
}

function pointTable(points: readonly SweptPoint[], n: number, context: Context): string {
  return `${tableText(
    [
      { title: '' },
      { title: 'point' },
      { title: 'held out', align: 'right' },
      { title: '95 % interval' },
      ...['flash', 'RAM', 'MACs', 'instructions'].map((title) => ({ title, align: 'right' as const })),
      { title: '' },
    ],
    points.map(({ name, held, measured, onFront }) => [
      onFront ? '*' : ' ',
      name,
      percentText(held.value, 2),
      `${percentText(held.low)} … ${percentText(held.high)}`,
      bytesText(measured.flash.bytes),
      bytesText(measured.ram.bytes),
      countText(measured.macs),
      countText(measured.instructions.count),
      measured.doesNotFit === null ? '' : 'does not fit',
    ]),
    context.colors.dim,
  )}\n  *: on the front. Chosen by ${countText(n)} samples held out of the data for that.`;
}

function remarks(points: readonly SweptPoint[]): string[] {
  const [first] = points;
  if (!first) return [];
  const { flash, instructions, core } = first.measured;
  const size =
    flash.basis === 'linked'
      ? 'flash, RAM: all of the model in a linked program, its stack included'
      : 'flash: weights and tables without code; RAM: the arena without the stack';
  const counted =
    instructions.origin === 'estimate'
      ? `instructions: predicted by the cost table for ${core}`
      : `instructions: counted on an emulated ${core}`;
  return [`  ${size}; ${counted}, which is no time.`];
}

function frontTable({ points, float, scoredOn }: SweepResult, context: Context): string {
  const front = points.filter(({ test }) => test !== null);
  const interval = ({ low, high }: { readonly low: number; readonly high: number }): string =>
    `${percentText(low)} … ${percentText(high)}`;
  return `  The front on ${countText(float.test.n)} samples that took no part in any choice (${scoredOn}):\n${tableText(
    [
      { title: '' },
      { title: 'accuracy', align: 'right' },
      { title: '95 % interval' },
      { title: 'against float', align: 'right' },
      { title: '95 % interval' },
      { title: 'only float : only this', align: 'right' },
      { title: 'p', align: 'right' },
      { title: 'verdict' },
    ],
    [
      ['float32', percentText(float.test.value, 2), interval(float.test), '', '', '', '', ''],
      ...front.map(({ name, test }) => [
        name,
        percentText(test!.accuracy.value, 2),
        interval(test!.accuracy),
        ...differenceCells(test!.versusFloat),
      ]),
    ],
    context.colors.dim,
  )}`;
}
