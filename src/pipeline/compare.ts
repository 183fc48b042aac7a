/** The same samples through several models and engines, side by side. */
import { basename } from 'node:path';
import type { Dataset } from '../core/dataset.js';
import type { Engine } from '../core/engine.js';
import { type Preprocessing, tensorOf } from '../core/graph.js';
import type { Origin } from '../core/reading.js';
import type { OnEvent } from '../core/stage-event.js';
import { type AccuracyDifference, accuracyDifference } from '../evaluate/difference.js';
import type { Proportion } from '../evaluate/interval.js';
import { hitsOf, type Quality, qualityOf } from '../evaluate/quality.js';
import { agreement, type ModelInterface, type Score, scoreEngine } from '../evaluate/score.js';
import type { LoadedModel } from './load-model.js';

export interface Contestant {
  readonly model: LoadedModel;
  readonly preprocessing: Preprocessing | undefined;
  readonly open: () => Promise<Engine>; // closed again when its samples are through
}

export interface ComparisonRow {
  readonly model: string;
  readonly sha256: string; // of the model
  readonly kind: LoadedModel['kind'];
  readonly engine: string;
  readonly origin: Origin;
  readonly n: number;
  readonly accuracy: Proportion | null;
  readonly confusion: Score['confusion'];
  readonly quality: Quality;
  readonly task: Score['task'];
  /** Accuracy against the first row, sample by sample; null for that row itself and without classes. */
  readonly versusFirst: AccuracyDifference | null;
  /** With the first row: how often the largest output is the same. */
  readonly sameClass: Proportion;
  /** With the first row of the same kind, in the output's own unit (int8 steps, or reals); null for that row itself. */
  readonly largestDifference: number | null;
}

export const interfaceOf = (
  { graph }: Pick<LoadedModel, 'graph'>,
  preprocessing: Preprocessing | undefined,
): ModelInterface => ({
  inputs: graph.inputs.map((name) => tensorOf(graph, name)),
  outputs: graph.outputs.map((name) => tensorOf(graph, name)),
  preprocessing,
});

/** Runs the contestants one after another, each over the same samples. */
export async function compare(
  contestants: readonly Contestant[],
  dataset: Dataset,
  options: { indices: readonly number[]; onEvent?: OnEvent | undefined; signal?: AbortSignal | undefined },
): Promise<readonly ComparisonRow[]> {
  const rows: ComparisonRow[] = [];
  const scores: { kind: LoadedModel['kind']; score: Score }[] = [];
  for (const { model, preprocessing, open } of contestants) {
    const engine = await open();
    try {
      const io = interfaceOf(model, preprocessing);
      const score = await scoreEngine(engine, io, dataset, options);
      const first = scores[0]?.score ?? score;
      const peer = scores.find(({ kind }) => kind === model.kind)?.score;
      rows.push({
        model: basename(model.path),
        sha256: model.sha256,
        kind: model.kind,
        engine: engine.name,
        origin: engine.origin,
        n: score.n,
        accuracy: score.accuracy,
        confusion: score.confusion,
        quality: qualityOf(score, io.outputs[0]!, dataset.labels.length),
        task: score.task,
        versusFirst:
          score !== first && score.accuracy && first.accuracy ? accuracyDifference(hitsOf(first), hitsOf(score)) : null,
        sameClass: agreement(first, score).argMax,
        largestDifference: peer ? agreement(peer, score).largestDifference : null,
      });
      scores.push({ kind: model.kind, score });
    } finally {
      await engine.close();
    }
  }
  return rows;
}
