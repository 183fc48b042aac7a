/** What an emulated core counted, as tables. */
import type { CoreBench } from '../pipeline/bench-core.js';
import type { Context } from './context.js';
import { bytesText, countText, tableText } from './table.js';

const AVR_HZ = 16_000_000; // of every Arduino with one

export function coreLayerTable({ layers, instructions, macs, unit }: CoreBench, context: Context): string {
  const perMac = (count: number, of: number): string => (of > 0 ? (count / of).toFixed(2) : '');
  const row = (cells: readonly string[]): readonly string[] => cells;
  const inLayers = layers.reduce((sum, layer) => sum + layer.instructions, 0);
  return tableText(
    [
      { title: '#', align: 'right' },
      { title: 'op' },
      { title: 'kernel' },
      { title: 'output' },
      { title: 'MACs', align: 'right' },
      { title: unit, align: 'right' },
      { title: 'per MAC', align: 'right' },
      { title: 'predicted', align: 'right' },
    ],
    [
      ...layers.map((layer) =>
        row([
          String(layer.index),
          layer.op,
          layer.kernel,
          layer.output,
          layer.macs > 0 ? countText(layer.macs) : '',
          countText(layer.instructions),
          perMac(layer.instructions, layer.macs),
          countText(layer.predicted),
        ]),
      ),
      row(['', 'input, output, calls', '', '', '', countText(Math.max(0, instructions - inLayers)), '', '']),
      row(['', 'sum', '', '', countText(macs), countText(instructions), perMac(instructions, macs), '']),
    ],
    context.colors.dim,
  );
}

export const coreSummary = ({ flash, ram, inputs, bitExact, unit, instructions }: CoreBench): string =>
  [
    `  flash  ${bytesText(flash.totalBytes)}: weights and tables ${bytesText(flash.weightBytes)}, code ${bytesText(flash.codeBytes)}`,
    `  RAM    ${bytesText(ram.totalBytes)}: arena ${bytesText(ram.arenaBytes)}, static ${bytesText(ram.staticBytes)}, stack ${bytesText(ram.stackBytes)}`,
    `  ${bitExact ? 'bit-exact: every layer and output equals the reference' : 'NOT bit-exact'}, ${inputs} inputs, the worst counts`,
    unit === 'cycles'
      ? `  Cycles as the chip’s manual has them, without cache or waits: ${((instructions / AVR_HZ) * 1000).toFixed(2)} ms at 16 MHz, not measured on silicon.`
      : '  Instructions of an emulator compare code on one core; they are no time.',
  ].join('\n');
