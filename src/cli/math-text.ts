/** A layer worked out by hand, as numbered steps on a terminal. */
import type { GranularityLoss } from '../evaluate/granularity.js';
import { type ExampleMath, placeOf, type RangeMath, type ValueMath } from '../evaluate/layer-math.js';
import type { MathExplanation } from '../pipeline/explain-math.js';
import type { Context } from './context.js';
import { counted, countText, tableText } from './table.js';

/** More taps than this are shown by the largest products, and the rest as one sum. */
const SHOWN_TAPS = 9;

export function mathText({ math, granularity, ...about }: MathExplanation, context: Context): string {
  const { example, input, output } = math;
  const sections: [title: string, text: string][] = [
    [
      `Ranges of ${counted(about.calibrationSamples, 'sample')} → scale and zero_point`,
      rangesText(input, output, context),
    ],
  ];
  if (example) {
    sections.push(
      ['Real numbers → integers: round(real / scale) + zero_point', valuesText(example, context)],
      ['The accumulator: bias + Σ (input − zero_point) · weight', accumulatorText(example, input.zeroPoint, context)],
      ['Requantize: accumulator · input scale · weight scale / output scale', requantizeText(example, output)],
    );
  }
  if (granularity)
    sections.push([
      `One scale for all channels, or one for each (output: ${counted(about.samples, 'sample')})`,
      granularityText(granularity, context),
    ]);
  const text = sections.map(([title, body], i) => `${context.colors.bold(`${i + 1}  ${title}`)}\n${body}`).join('\n\n');
  return example
    ? text
    : `${text}\n\n  ${math.op} is no sum of inputs and weights, so that there is no accumulator to work out.`;
}

function rangesText(input: RangeMath, output: RangeMath, context: Context): string {
  const rows = [
    { name: 'input', range: input },
    { name: 'output', range: output },
  ];
  const table = tableText(
    [
      { title: '' },
      { title: 'seen' },
      { title: 'range' },
      { title: 'scale = (max − min) / 255' },
      { title: 'zero_point = round(−128 − min / scale)' },
      { title: 'why' },
    ],
    rows.map(({ name, range: { seen, chosen, scale, zeroPoint, zeroPointExact, reaches, why } }) => [
      name,
      seen ? `${real(seen.min)} … ${real(seen.max)}` : '–',
      chosen ? `${real(chosen.min)} … ${real(chosen.max)}` : `${real(reaches.min)} … ${real(reaches.max)}`,
      chosen ? `${difference(chosen)} / 255 = ${real(scale)}` : real(scale),
      zeroPointExact === null
        ? integer(zeroPoint)
        : `round(−128 ${zeroPointExact < -128 ? '−' : '+'} ${real(Math.abs(zeroPointExact + 128))}) = ${integer(zeroPoint)}`,
      why,
    ]),
    context.colors.dim,
  );
  return `${table}\n  The range always holds 0, and 0 is one of the 256 values.`;
}

const difference = ({ min, max }: { readonly min: number; readonly max: number }): string =>
  min === 0 ? real(max) : `(${real(max)} + ${real(-min)})`; // min is at most 0

function valuesText(example: ExampleMath, context: Context): string {
  const { weight, activation, biasValue, channel, inputShape } = example;
  const row = (name: string, value: ValueMath): string[] => [
    name,
    real(value.real),
    real(value.scale),
    decimal(value.exact),
    integer(value.integer),
    real(value.back),
    real(value.back - value.real),
  ];
  const table = tableText(
    [
      { title: '' },
      ...['real', 'scale', 'real / scale + zero_point', 'integer', 'stands for', 'error'].map((title) => ({
        title,
        align: 'right' as const,
      })),
    ],
    [
      row(`weight [${weight.index}], of channel ${channel}`, weight),
      ...(activation ? [row(`input [${placeOf([1, ...inputShape], activation.index).join(', ')}]`, activation)] : []),
      ...(biasValue ? [row(`bias [${channel}]`, biasValue)] : []),
    ],
    context.colors.dim,
  );
  const lines = [
    table,
    `  Weight scale: largest |w| of ${weight.shares} / 127 = ${real(weight.largest)} / 127. Bias scale: input scale · weight scale.`,
  ];
  if (activation && activation.computed !== activation.integer)
    lines.push(
      `  The int8 network has ${integer(activation.computed)} there, not ${integer(activation.integer)}: the layers before it have lost something already.`,
    );
  return lines.join('\n');
}

function accumulatorText(
  { taps, sum, bias, accumulator, at, inputShape }: ExampleMath,
  zeroPoint: number,
  context: Context,
) {
  const inside = taps.filter(({ inputIndex }) => inputIndex !== null);
  const sorted = [...inside].sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
  const shown = new Set(inside.length > SHOWN_TAPS ? sorted.slice(0, SHOWN_TAPS - 1) : sorted);
  const rest = inside.filter((tap) => !shown.has(tap));
  const rows = inside
    .filter((tap) => shown.has(tap))
    .map(({ inputIndex, weightIndex, input, weight, product }) => [
      `[${placeOf([1, ...inputShape], inputIndex!).join(', ')}]`,
      `[${weightIndex}]`,
      `(${integer(input)} − ${zeroPoint < 0 ? `(${integer(zeroPoint)})` : integer(zeroPoint)}) · ${integer(weight)}`,
      integer(product),
    ]);
  if (rest.length > 0)
    rows.push([
      `${countText(rest.length)} more`,
      '',
      '',
      integer(rest.reduce((total, { product }) => total + product, 0)),
    ]);
  rows.push(['bias', '', '', integer(bias)], ['', '', 'accumulator', integer(accumulator)]);
  const table = tableText(
    [{ title: 'input' }, { title: 'weight' }, { title: '', align: 'right' }, { title: '', align: 'right' }],
    rows,
    context.colors.dim,
  );
  const padding = taps.length - inside.length;
  return [
    `  Output [${at.join(', ')}]: ${counted(taps.length, 'tap')}${padding > 0 ? `, ${countText(padding)} of them padding, which adds 0` : ''}; their sum is ${integer(sum)}.`,
    table,
  ].join('\n');
}

function requantizeText(example: ExampleMath, { scale: outputScale, tensor }: RangeMath): string {
  const { accumulator, requantize: r, real: value, float, weight } = example;
  const inputScale = example.activation?.scale;
  const fraction = r.multiplier / 2 ** 31;
  const product =
    inputScale === undefined ? '' : `${real(inputScale)} · ${real(weight.scale)} / ${real(outputScale)} = `;
  const lines = [
    `M = ${product}${real(r.scale)} = ${fraction.toFixed(9)} · 2^${integer(r.shift)}: multiplier ${r.multiplier} (of 2^31), shift ${integer(r.shift)}`,
    `in real numbers  ${integer(accumulator)} · M = ${decimal(accumulator * r.scale)}; in integers, rounded twice:`,
    ...(r.shift > 0 ? [`shift left       ${integer(accumulator)} · 2^${r.shift} = ${integer(r.shiftedLeft)}`] : []),
    `high multiply    round(${integer(r.shiftedLeft)} · ${r.multiplier} / 2^31) = ${integer(r.highMultiplied)}`,
    ...(r.shift < 0
      ? [
          `shift right      round(${integer(r.highMultiplied)} / 2^${-r.shift}) = ${integer(r.shiftedRight)}, ties away from zero`,
        ]
      : []),
    `zero_point       ${integer(r.shiftedRight)} ${r.zeroPoint < 0 ? '−' : '+'} ${Math.abs(r.zeroPoint)} = ${integer(r.unclamped)}`,
    `clamp            to ${integer(r.min)} … ${integer(r.max)}: ${integer(r.byte)}, the byte that the int8 reference gives`,
    `stands for       ${real(outputScale)} · (${integer(r.byte)} ${r.zeroPoint < 0 ? '+' : '−'} ${Math.abs(r.zeroPoint)}) = ${real(value)} of "${tensor}"; the float network has ${real(float)}`,
  ];
  return lines.map((line) => `  ${line}`).join('\n');
}

function granularityText(losses: readonly GranularityLoss[], context: Context): string {
  const table = tableText(
    [
      { title: '' },
      { title: 'scales', align: 'right' },
      { title: 'from … to' },
      { title: 'weights', align: 'right' },
      { title: 'worst channel', align: 'right' },
      { title: 'output', align: 'right' },
    ],
    losses.map(({ granularity, scales, smallestScale, largestScale, weightsSqnrDb, worstChannel, outputSqnrDb }) => [
      granularity,
      countText(scales),
      scales === 1 ? real(smallestScale) : `${real(smallestScale)} … ${real(largestScale)}`,
      decibels(weightsSqnrDb),
      `${decibels(worstChannel.sqnrDb)} (${worstChannel.channel})`,
      decibels(outputSqnrDb),
    ]),
    context.colors.dim,
  );
  return `${table}\n  Signal to quantization noise: 6 dB more are one bit more. output: of this layer alone, on the float network's values.`;
}

export const decibels = (sqnr: number): string => (Number.isFinite(sqnr) ? `${sqnr.toFixed(1)} dB` : 'exact');

const minus = (text: string): string => text.replace(/^-/, '−');
const integer = (value: number): string => minus(String(value));
const decimal = (value: number): string => minus(value.toFixed(3));

/** To six digits, which a person can check by. */
const real = (value: number): string => minus(value === 0 ? '0' : String(Number(value.toPrecision(6))));
