/** Tables that line up: no frames, numbers to the right, two spaces between columns. */
import Table from 'cli-table3';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

const frameless = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
  ].map((part) => [part, '']),
);

export function tableText(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  dim: (text: string) => string,
): string {
  const table = new Table({
    chars: { ...frameless, middle: '  ' },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    colAligns: columns.map(({ align }) => align ?? 'left'),
  });
  table.push(
    columns.map(({ title }) => dim(title)),
    ...rows.map((row) => [...row]),
  );
  return table
    .toString()
    .split('\n')
    .map((line) => `  ${line.trimEnd()}`)
    .join('\n');
}

/** '[#####---------]  37 %  12.3 of 33.0 KiB', as shown before anything is flashed. */
export function usageBar(used: number, available: number, width = 24): string {
  const share = available > 0 ? used / available : 1;
  const filled = Math.min(width, Math.max(used > 0 ? 1 : 0, Math.round(share * width)));
  return `[${'#'.repeat(filled)}${'-'.repeat(width - filled)}] ${(share * 100).toFixed(share < 0.1 ? 1 : 0).padStart(4)} %  ${bytesText(used)} of ${bytesText(available)}`;
}

export function bytesText(bytes: number): string {
  if (bytes < 10_000) return `${countText(bytes)} B`;
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 / 1024).toFixed(2)} MiB`;
}

/** '1 reading', '20 readings' */
export const counted = (count: number, noun: string): string => `${countText(count)} ${noun}${count === 1 ? '' : 's'}`;

/** '12,501,632' */
export const countText = (count: number): string => Math.round(count).toLocaleString('en-US');

export const percentText = (share: number, digits = 1): string => `${(share * 100).toFixed(digits)} %`;
