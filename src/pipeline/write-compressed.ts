/** DIR/model.tflite and DIR/report.json: what `compress` leaves behind. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { packageVersion } from '../files/package-folder.js';
import { writeFileWhole } from '../files/write-file.js';
import { accuracyDrop, type Compressed } from './compress.js';
import type { LoadedModel } from './load-model.js';

/** The report as it stands in the file: plain JSON, the figures of every stage and all that made them. */
export function reportOf(model: LoadedModel, compressed: Compressed) {
  const { stages, choice, prune, history, qat, ladder, plan, equalization, rounding, metadata, tflite } = compressed;
  return {
    thimble: packageVersion(),
    source: { file: model.path, bytes: model.fileBytes, sha256: model.sha256 },
    result: { file: 'model.tflite', bytes: tflite.length, sha256: createHash('sha256').update(tflite).digest('hex') },
    recipe: metadata.recipe,
    seed: metadata.seed,
    data: {
      sha256: metadata.source?.dataSha256,
      calibrationSamples: choice.calibration.length,
      trainingSamples: choice.training.length,
      selectionSamples: choice.selection.length,
      scoredSamples: choice.scoring.length,
      scoredOn: choice.scoredOn,
    },
    stages: stages.map(({ stage, parameters, macs, fileBytes, score }) => ({
      stage,
      parameters,
      macs,
      fileBytes,
      accuracy: score?.accuracy ?? null,
      confusion: score?.confusion ?? null,
    })),
    accuracyDropPoints: accuracyDrop(stages),
    prune,
    fineTune: history,
    qat,
    ladder,
    equalization,
    rounding,
    plan,
  };
}

/** @throws ThimbleError E_FILE */
export function writeCompressed(
  folder: string,
  model: LoadedModel,
  compressed: Compressed,
): { report: ReturnType<typeof reportOf> } {
  const report = reportOf(model, compressed);
  writeFileWhole(join(folder, 'model.tflite'), compressed.tflite);
  writeFileWhole(join(folder, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  return { report };
}
