/** A layer worked out by hand, as numbered steps on a terminal. */
import type { GranularityLoss } from '../evaluate/granularity.js';
import type { RequantizeMath } from '../evaluate/integer-math.js';
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
      { title: 'scale' },
      { title: 'zero_point' },
      { title: 'why' },
    ],
    rows.map(({ name, range }) => [
      name,
      range.seen ? `${real(range.seen.min)} … ${real(range.seen.max)}` : '–',
      `${real((range.chosen ?? range.reaches).min)} … ${real((range.chosen ?? range.reaches).max)}`,
      scaleText(range),
      zeroPointText(range),
      range.why,
    ]),
    context.colors.dim,
  );
  const formulas = [
    ...(rows.some(({ range }) => range.dtype === 'int8')
      ? [
          'int8: scale = (max − min) / 255, zero_point = round(−128 − min / scale); the range always holds 0, which is one of the 256 values.',
        ]
      : []),
    ...(rows.some(({ range }) => range.dtype === 'int16')
      ? ['int16: scale = the larger of |min| and |max| / 32767, zero_point = 0.']
      : []),
  ];
  return [table, ...formulas.map((line) => `  ${line}`)].join('\n');
}

function scaleText({ chosen, scale, dtype }: RangeMath): string {
  if (!chosen) return real(scale);
  const whole =
    dtype === 'int16' ? `${real(Math.max(-chosen.min, chosen.max))} / 32767` : `${difference(chosen)} / 255`;
  return `${whole} = ${real(scale)}`;
}

function zeroPointText({ zeroPoint, zeroPointExact }: RangeMath): string {
  if (zeroPointExact === null) return integer(zeroPoint);
  const shift = zeroPointExact + 128; // −min / scale, at least 0
  return `round(−128 + ${real(shift)}) = ${integer(zeroPoint)}`;
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
      `  The quantized network has ${integer(activation.computed)} there, not ${integer(activation.integer)}: the layers before it have lost something already.`,
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
  const { accumulator, requantize: r, real: value, float, weight, activation } = example;
  const product = activation ? `${real(activation.scale)} · ${real(weight.scale)} / ${real(outputScale)} = ` : '';
  const zero = Math.abs(r.zeroPoint);
  const lines = [
    `M = ${product}${real(r.scale)} = ${fixedPointText(r)}`,
    `in real numbers  ${integer(accumulator)} · M = ${decimal(accumulator * r.scale)}; in integers, rounded ${r.rounds}:`,
    ...roundingLines(accumulator, r),
    ...(zero > 0
      ? [`zero_point       ${integer(r.scaled)} ${r.zeroPoint < 0 ? '−' : '+'} ${zero} = ${integer(r.unclamped)}`]
      : []),
    `clamp            to ${integer(r.min)} … ${integer(r.max)}: ${integer(r.integer)}, the very integer of the reference`,
    `stands for       ${real(outputScale)} · ${zero > 0 ? `(${integer(r.integer)} ${r.zeroPoint < 0 ? '+' : '−'} ${zero})` : integer(r.integer)} = ${real(value)} of "${tensor}"; the float network has ${real(float)}`,
  ];
  return lines.map((line) => `  ${line}`).join('\n');
}

const fixedPointText = (r: RequantizeMath): string =>
  r.rounds === 'twice'
    ? `${(r.multiplier / 2 ** 31).toFixed(9)} · 2^${integer(r.shift)}: multiplier ${r.multiplier} (of 2^31), shift ${integer(r.shift)}`
    : `${r.multiplier} / 2^${r.shift}, nearly: a multiplier of 15 bits`;

function roundingLines(accumulator: number, r: RequantizeMath): string[] {
  if (r.rounds === 'once')
    return [
      `multiply, shift  round(${integer(accumulator)} · ${r.multiplier} / 2^${r.shift}) = ${integer(r.scaled)}, ties up`,
    ];
  return [
    ...(r.shift > 0 ? [`shift left       ${integer(accumulator)} · 2^${r.shift} = ${integer(r.shiftedLeft)}`] : []),
    `high multiply    round(${integer(r.shiftedLeft)} · ${r.multiplier} / 2^31) = ${integer(r.highMultiplied)}`,
    ...(r.shift < 0
      ? [
          `shift right      round(${integer(r.highMultiplied)} / 2^${-r.shift}) = ${integer(r.scaled)}, ties away from zero`,
        ]
      : []),
  ];
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
