/** The ladder as a person reads it: rung by rung, and the layers that needed more than the first. */
import type { LadderReport } from '../pipeline/climb-ladder.js';
import type { WideningPrice } from '../pipeline/widen-layers.js';
import { rungs } from '../quantize/rungs.js';
import { bytesText, counted, percentText, tableText } from './table.js';

export function ladderText(ladder: LadderReport, dim: (text: string) => string): string {
  const { float, tried, maxDropPoints, layers, price } = ladder;
  const table = tableText(
    [
      { title: 'rung' },
      { title: 'recipe' },
      { title: 'accuracy', align: 'right' },
      { title: 'points lost', align: 'right' },
      { title: '95 % interval' },
      { title: '' },
    ],
    [
      ['float32', '', percentText(float.value, 2), '', '', ''],
      ...tried.map(({ rung, recipe, accuracy, loss, holds, kept }) => [
        titleOf(rung),
        recipe,
        percentText(accuracy.value, 2),
        loss.points.toFixed(2),
        `${loss.low.toFixed(2)} … ${loss.high.toFixed(2)}`,
        holds ? 'holds' : kept ? '' : 'no better: left out',
      ]),
    ],
    dim,
  );
  const first = tried[0]!.rung;
  const needy = layers.filter(({ rung }) => rung !== first);
  const needs =
    needy.length === 0
      ? `  ${titleOf(first)} is enough for every layer`
      : tableText(
          [{ title: 'layer' }, { title: 'needed' }, { title: 'why' }],
          needy.map(({ node, rung, why }) => [shortName(node), titleOf(rung), why]),
          dim,
        );
  return `${table}\n  chosen on ${counted(float.n, 'sample')} held out of the data for that; ${maxDropPoints} points may be lost\n\n${needs}${price ? `\n\n${priceText(price)}` : ''}`;
}

/** What wider activations cost, said before anybody flashes them. */
function priceText({ core, layers, before, after }: WideningPrice): string {
  const more = (key: 'instructions' | 'ramBytes' | 'flashBytes', text: (value: number) => string): string => {
    const percent = Math.round(100 * (after[key] / before[key] - 1));
    return `${text(before[key])} → ${text(after[key])} (${percent < 0 ? '−' : '+'}${Math.abs(percent)} %)`;
  };
  return `  16 bits for ${layers.map((name) => `"${shortName(name)}"`).join(', ')} cost, predicted for ${core}:
    instructions  ${more('instructions', (count) => count.toLocaleString('en-US'))}
    RAM           ${more('ramBytes', bytesText)}
    flash         ${more('flashBytes', bytesText)}`;
}

const titleOf = (name: string): string => rungs.find((rung) => rung.name === name)?.title ?? name;

const NAME_COLUMNS = 32;

/** Converters name nodes by paths longer than a screen line; the end tells most. */
const shortName = (name: string): string => (name.length > NAME_COLUMNS ? `…${name.slice(1 - NAME_COLUMNS)}` : name);
