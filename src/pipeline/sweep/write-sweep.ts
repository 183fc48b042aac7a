/** DIR/sweep.json, sweep.csv, sweep.svg and the models of the front: what `sweep` leaves behind beside its stages. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { packageVersion } from '../../files/package-folder.js';
import { writeFileWhole } from '../../files/write-file.js';
import type { Workbench } from './context.js';
import { sweepPlot } from './plot.js';
import type { SweepResult, SweptPoint } from './sweep.js';

/** The result as it stands in sweep.json: plain JSON with all that made it, models by file and hash. */
export function sweepReport(result: SweepResult, { context, model, data, choice, board }: Workbench) {
  const { set, fingerprint, seed, objectives, float, points, dropped, failed, scoredOn } = result;
  return {
    thimble: packageVersion(),
    set,
    seed,
    source: { file: model.path, sha256: fingerprint.model },
    data: {
      name: data.name,
      sha256: fingerprint.data,
      testSha256: fingerprint.test,
      calibrationSamples: choice.calibration.length,
      trainingSamples: choice.training.length,
      selectionSamples: choice.selection.length,
      testSamples: choice.scoring.length,
      testedOn: scoredOn,
    },
    board: board?.id ?? null,
    optimize: context.optimize,
    objectives,
    float,
    points: points.map(({ model: _, ...point }) => ({ ...point, file: fileOf(point) })),
    dropped,
    failed: failed.map(({ name, error }) => ({ name, code: error.code, message: error.message })),
  };
}

const fileOf = ({ name, onFront }: Pick<SweptPoint, 'name' | 'onFront'>): string | null =>
  onFront ? `models/${name.replaceAll(/[^\w.-]+/g, '_')}.tflite` : null;

/** @returns what was written. @throws ThimbleError E_FILE */
export async function writeSweep(
  folder: string,
  result: SweepResult,
  bench: Workbench,
): Promise<{ readonly report: ReturnType<typeof sweepReport>; readonly files: readonly string[] }> {
  const report = sweepReport(result, bench);
  const plot = await sweepPlot(result);
  const models = result.points.flatMap((point) => {
    const file = fileOf(point);
    return file === null ? [] : [{ file, bytes: Buffer.from(point.model, 'base64') }];
  });
  for (const { file, bytes } of models) writeFileWhole(join(folder, file), bytes);
  removeOthers(join(folder, 'models'), new Set(models.map(({ file }) => file.replace('models/', ''))));
  writeFileWhole(join(folder, 'sweep.csv'), sweepCsv(result));
  writeFileWhole(join(folder, 'sweep.svg'), plot);
  writeFileWhole(join(folder, 'sweep.json'), `${JSON.stringify(report, null, 2)}\n`);
  return { report, files: ['sweep.json', 'sweep.csv', 'sweep.svg', ...models.map(({ file }) => file)] };
}

/** Models of an earlier sweep in this folder that are not on the front any more. */
function removeOthers(folder: string, wanted: ReadonlySet<string>): void {
  if (!existsSync(folder)) return;
  for (const file of readdirSync(folder)) if (file.endsWith('.tflite') && !wanted.has(file)) rmSync(join(folder, file));
}

const columns: readonly (readonly [title: string, value: (point: SweptPoint) => string | number | null])[] = [
  ['point', ({ name }) => name],
  ['front', ({ onFront }) => (onFront ? 1 : 0)],
  ['held_out_n', ({ held }) => held.n],
  ['held_out_accuracy', ({ held }) => held.value],
  ['held_out_low', ({ held }) => held.low],
  ['held_out_high', ({ held }) => held.high],
  ['test_n', ({ test }) => test?.accuracy.n ?? null],
  ['test_accuracy', ({ test }) => test?.accuracy.value ?? null],
  ['test_low', ({ test }) => test?.accuracy.low ?? null],
  ['test_high', ({ test }) => test?.accuracy.high ?? null],
  ['test_difference_to_float', ({ test }) => test?.versusFloat.value ?? null],
  ['p', ({ test }) => test?.versusFloat.p ?? null],
  ['parameters', ({ measured }) => measured.parameters],
  ['macs', ({ measured }) => measured.macs],
  ['tflite_bytes', ({ measured }) => measured.tfliteBytes],
  ['weight_bytes', ({ measured }) => measured.weightBytes],
  ['arena_bytes', ({ measured }) => measured.arenaBytes],
  ['flash_bytes', ({ measured }) => measured.flash.bytes],
  ['flash_basis', ({ measured }) => measured.flash.basis],
  ['ram_bytes', ({ measured }) => measured.ram.bytes],
  ['ram_basis', ({ measured }) => measured.ram.basis],
  ['instructions', ({ measured }) => measured.instructions.count],
  ['instructions_origin', ({ measured }) => measured.instructions.origin],
  ['core', ({ measured }) => measured.core],
  ['fits', ({ measured }) => (measured.doesNotFit === null ? 1 : 0)],
  ['sha256', ({ sha256 }) => sha256],
];

/** RFC 4180; seed and hashes of the files stand in every row, so that rows of several sweeps can be put together. */
export function sweepCsv({ points, set, seed, fingerprint }: SweepResult): string {
  const shared: readonly (readonly [title: string, value: string | number])[] = [
    ['set', set.name],
    ['seed', seed],
    ['model_sha256', fingerprint.model],
    ['data_sha256', fingerprint.data],
    ['test_sha256', fingerprint.test ?? ''],
  ];
  const header = [...columns, ...shared].map(([title]) => title);
  const rows = points.map((point) => [
    ...columns.map(([, value]) => value(point)),
    ...shared.map(([, value]) => value),
  ]);
  return `${[header, ...rows].map((row) => row.map(csvCell).join(',')).join('\r\n')}\r\n`;
}

const csvCell = (value: string | number | null): string => {
  const text = value === null ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
