/** How right models are, as tables and sentences: beside the accuracy what it hides, and whether a difference is one. */
import type { AccuracyDifference } from '../evaluate/difference.js';
import { EQUAL_WITHIN } from '../evaluate/difference.js';
import type { ComparisonRow } from '../pipeline/compare.js';
import type { Context } from './context.js';
import { countText, percentText, tableText } from './table.js';

/** F1, AUC, calibration error, and the accuracy against that of the first row; '' for data without classes. */
export function qualityTable(rows: readonly ComparisonRow[], labels: readonly string[], context: Context): string {
  if (rows.every(({ quality }) => quality.auc === null && quality.macroF1 === null)) return '';
  const table = tableText(
    [
      { title: 'model' },
      { title: 'engine' },
      { title: 'macro F1', align: 'right' },
      { title: 'AUC', align: 'right' },
      { title: 'ECE', align: 'right' },
      { title: 'difference', align: 'right' },
      { title: '95 % interval' },
      { title: 'only first : only this', align: 'right' },
      { title: 'p', align: 'right' },
      { title: 'verdict' },
    ],
    rows.map(({ model, engine, quality, versusFirst }) => [
      model,
      engine,
      digits(quality.macroF1),
      digits(quality.auc, 4),
      digits(quality.calibrationError),
      ...(versusFirst ? differenceCells(versusFirst) : ['', '', '', '', '']),
    ]),
    context.colors.dim,
  );
  return [table, ...remarks(rows, labels)].join('\n');
}

/** [difference, interval, disagreements, p, verdict], in points. */
export function differenceCells(difference: AccuracyDifference): string[] {
  return [
    pointsText(difference.value),
    `${pointsText(difference.low)} … ${pointsText(difference.high)}`,
    `${countText(difference.onlyFirst)} : ${countText(difference.onlySecond)}`,
    pText(difference.p),
    verdictText(difference),
  ];
}

export function verdictText({ verdict, n, samplesNeeded }: AccuracyDifference): string {
  switch (verdict) {
    case 'better':
      return 'better';
    case 'worse':
      return 'worse';
    case 'equal':
      return `the same, within ${EQUAL_WITHIN * 100} point`;
    case 'too few samples':
      return `n = ${countText(n)} is too small to tell; about ${countText(roundedUp(samplesNeeded ?? n))} would`;
  }
}

/** To two digits: an estimate from so few disagreements is no better. */
const roundedUp = (count: number): number => {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(count, 1))) - 1);
  return Math.ceil(count / unit) * unit;
};

/** '+0.35', '−1.20': points of per cent. */
export const pointsText = (share: number): string =>
  `${share < 0 ? '−' : '+'}${Math.abs(share * 100).toFixed(2)}`.replace(/^−0\.00$/, '+0.00');

export const pText = (p: number): string => (p < 0.001 ? '< 0.001' : p.toFixed(3));

const digits = (value: number | null, count = 3): string => (value === null ? '–' : value.toFixed(count));

function remarks(rows: readonly ComparisonRow[], labels: readonly string[]): string[] {
  const lines = [];
  const task = rows[0]!.task;
  if (task.kind === 'reconstruction')
    lines.push(
      `  The model gives its input back: AUC of the mean squared error as a detector of "${labels[task.positive!]}".`,
    );
  else if (task.kind === 'one output')
    lines.push(`  One output: AUC of a detector of "${labels[task.positive!]}", which it says from 0.5 on.`);
  if (rows.some(({ versusFirst }) => versusFirst))
    lines.push('  difference: points of accuracy against the first row, same samples; p: McNemar’s test, exact.');
  return lines;
}

/** Precision, recall, F1 and AUC by class, with the confusion matrix below, of each row. */
export function classTables(rows: readonly ComparisonRow[], labels: readonly string[], context: Context): string[] {
  return rows.flatMap((row) => {
    const { classes, aucByClass } = row.quality;
    if (!classes || !row.confusion) return [];
    const title = context.colors.bold(`${row.model} on ${row.engine}`);
    const metrics = tableText(
      [
        { title: 'class' },
        ...['samples', 'precision', 'recall', 'F1', 'AUC'].map((each) => ({ title: each, align: 'right' as const })),
      ],
      classes.map(({ samples, precision, recall, f1 }, k) => [
        labels[k] ?? String(k),
        countText(samples),
        share(precision),
        share(recall),
        digits(f1),
        digits(aucByClass?.[k] ?? null, 4),
      ]),
      context.colors.dim,
    );
    return [`${title}\n${metrics}`, confusionText(row.confusion, labels, context)];
  });
}

const share = (value: number | null): string => (value === null ? '–' : percentText(value));

/** Rows are the true classes; a dot for none, so that the mistakes stand out. */
function confusionText(confusion: readonly (readonly number[])[], labels: readonly string[], context: Context): string {
  return tableText(
    [{ title: 'true ↓ taken for →' }, ...labels.map((title) => ({ title, align: 'right' as const }))],
    confusion.map((row, k) => [labels[k] ?? String(k), ...row.map((count) => (count === 0 ? '·' : countText(count)))]),
    context.colors.dim,
  );
}
