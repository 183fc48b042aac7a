/** The points of a sweep as a picture: accuracy with its interval over what a model takes, the best for each size as a line. */
import type { Spec } from 'vega';
import type { Objective } from './measure.js';
import { paretoRanks } from './pareto.js';
import { costOf, originText, type SweepResult } from './sweep.js';

const titles: Readonly<Record<Objective, string>> = {
  flash: 'flash, bytes',
  ram: 'RAM, bytes',
  instructions: 'instructions of one inference',
  macs: 'MACs of one inference',
};
/** Dark blue and grey: apart in print and to colour-blind eyes. */
const [frontColor, otherColor, floatColor] = ['#1f4e9c', '#9aa0a6', '#b3541e'];

/** @param against which cost lies along the x axis; @returns an SVG document */
export async function sweepPlot(result: SweepResult, against: Objective = result.objectives[0]!): Promise<string> {
  const vega = await import('vega'); // a third of a second that only a sweep pays
  const view = new vega.View(vega.parse(specOf(result, against)), { renderer: 'none', logLevel: vega.Warn });
  try {
    return `${await view.toSVG()}\n`;
  } finally {
    view.finalize();
  }
}

function specOf(result: SweepResult, against: Objective): Spec {
  const { points, float, set } = result;
  const rows = points.map(({ name, held, measured, onFront }) => ({
    name,
    x: costOf(measured, against),
    accuracy: 100 * held.value,
    low: 100 * held.low,
    high: 100 * held.high,
    front: onFront,
  }));
  const ranks = paretoRanks(rows.map((row) => [row.accuracy, -row.x]));
  const line = rows.filter((_, i) => ranks[i] === 0).sort((one, other) => one.x - other.x);
  const color = { signal: `datum.front ? '${frontColor}' : '${otherColor}'` };
  const [x, y] = [
    { scale: 'x', field: 'x' },
    { scale: 'y', field: 'accuracy' },
  ];
  return {
    $schema: 'https://vega.github.io/schema/vega/v6.json',
    description: `Accuracy over ${titles[against]} of ${points.length} compressed models`,
    width: 640,
    height: 400,
    padding: 12,
    background: 'white',
    title: {
      text: `${set.name}: accuracy over ${against}`,
      subtitle: [
        `${float.held.n} held-out samples, 95 % Wilson intervals`,
        `blue: on the front of accuracy, ${result.objectives.join(', ')}`,
        originText(result),
      ],
      anchor: 'start',
    },
    data: [
      { name: 'points', values: rows },
      { name: 'line', values: line },
      { name: 'labels', values: labelsOf(rows) },
      { name: 'float', values: [{ accuracy: 100 * float.held.value }] },
    ],
    scales: [
      { name: 'x', type: 'linear', domain: { data: 'points', field: 'x' }, range: 'width', nice: true, zero: true },
      {
        name: 'y',
        type: 'linear',
        domain: {
          fields: [
            { data: 'points', field: 'low' },
            { data: 'points', field: 'high' },
            { data: 'float', field: 'accuracy' },
          ],
        },
        range: 'height',
        nice: true,
        zero: false,
      },
    ],
    axes: [
      { orient: 'bottom', scale: 'x', title: titles[against], grid: true, gridOpacity: 0.3, tickCount: 6 },
      { orient: 'left', scale: 'y', title: 'accuracy, %', grid: true, gridOpacity: 0.3, tickCount: 6 },
    ],
    marks: [
      {
        type: 'rule',
        from: { data: 'float' },
        encode: {
          enter: {
            x: { value: 0 },
            x2: { signal: 'width' },
            y,
            stroke: { value: floatColor },
            strokeDash: { value: [4, 3] },
          },
        },
      },
      {
        type: 'text',
        from: { data: 'float' },
        encode: {
          enter: {
            x: { signal: 'width' },
            y,
            dy: { value: -5 },
            align: { value: 'right' },
            fill: { value: floatColor },
            text: { value: 'float32' },
          },
        },
      },
      {
        type: 'line',
        from: { data: 'line' },
        encode: {
          enter: {
            x,
            y,
            stroke: { value: frontColor },
            strokeOpacity: { value: 0.5 },
            interpolate: { value: 'step-after' },
          },
        },
      },
      {
        type: 'rule',
        from: { data: 'points' },
        encode: {
          enter: {
            x,
            y: { scale: 'y', field: 'low' },
            y2: { scale: 'y', field: 'high' },
            stroke: color,
            strokeOpacity: { value: 0.6 },
          },
        },
      },
      {
        type: 'symbol',
        from: { data: 'points' },
        encode: {
          enter: {
            x,
            y,
            size: { signal: 'datum.front ? 70 : 40' },
            fill: color,
            description: { signal: "datum.name + ': ' + format(datum.accuracy, '.2f') + ' %'" },
          },
        },
      },
      {
        type: 'text',
        from: { data: 'labels' },
        encode: {
          enter: {
            x,
            y,
            dx: { value: 8 },
            dy: { value: 14 },
            fontSize: { value: 10 },
            fill: { value: frontColor },
            text: { field: 'name' },
          },
        },
      },
    ],
  };
}

interface Row {
  readonly name: string;
  readonly x: number;
  readonly accuracy: number;
  readonly front: boolean;
}

/** One label for points of the front that lie on each other. */
function labelsOf(rows: readonly Row[]): readonly Row[] {
  const labels: Row[] = [];
  for (const row of rows.filter(({ front }) => front)) {
    const at = labels.findIndex(({ x, accuracy }) => x === row.x && accuracy === row.accuracy);
    if (at < 0) labels.push(row);
    else labels[at] = { ...row, name: `${labels[at]!.name}, ${row.name}` };
  }
  return labels;
}
