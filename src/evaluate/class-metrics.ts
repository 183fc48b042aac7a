/** Precision, recall and F1 by class: an accuracy hides a class that is never found. */

export interface ClassMetrics {
  readonly samples: number; // that are of this class
  readonly predicted: number; // that were taken for it
  readonly precision: number | null; // of those taken for it, the share that is; null where none was
  readonly recall: number | null; // of those that are, the share that was found; null where none is
  readonly f1: number | null; // their harmonic mean, 2·hits / (samples + predicted); null where the class never occurs
}

/** @param confusion [true class][predicted class] */
export function classMetrics(confusion: readonly (readonly number[])[]): readonly ClassMetrics[] {
  return confusion.map((row, k) => {
    const hits = row[k]!;
    const samples = row.reduce((sum, count) => sum + count, 0);
    const predicted = confusion.reduce((sum, other) => sum + other[k]!, 0);
    return {
      samples,
      predicted,
      precision: share(hits, predicted),
      recall: share(hits, samples),
      f1: share(2 * hits, samples + predicted),
    };
  });
}

/** The mean over the classes that occur, each counting the same however rare it is; null where none does. */
export function macroF1(metrics: readonly ClassMetrics[]): number | null {
  const known = metrics.flatMap(({ f1 }) => (f1 === null ? [] : [f1]));
  return known.length > 0 ? known.reduce((sum, f1) => sum + f1, 0) / known.length : null;
}

const share = (count: number, of: number): number | null => (of > 0 ? count / of : null);
