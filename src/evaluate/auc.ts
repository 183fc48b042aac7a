/** Area under the ROC curve: how well a score tells two groups apart, whatever the threshold. */

/**
 * The share of pairs of one positive and one negative sample in which the positive one scores higher, ties counting half
 * (Mann and Whitney's U): int8 scores tie often, so that a curve of steps would depend on the order of the samples.
 * @returns null where one of the groups is empty
 */
export function areaUnderCurve(scores: ArrayLike<number>, positive: readonly boolean[]): number | null {
  const order = positive.map((_, i) => i).sort((a, b) => scores[a]! - scores[b]!);
  const positives = positive.filter(Boolean).length;
  const negatives = positive.length - positives;
  if (positives === 0 || negatives === 0) return null;
  let rankSum = 0; // of the positive samples, ranks from 1, ties sharing their mean rank
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end < order.length && scores[order[end]!] === scores[order[start]!]) end++;
    const rank = (start + 1 + end) / 2;
    for (; start < end; start++) if (positive[order[start]!]) rankSum += rank;
  }
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/**
 * Every class against all others, by its own output; and the mean over the classes that occur.
 * @param outputs one value per class, by sample
 */
export function oneVersusRest(
  outputs: readonly ArrayLike<number>[],
  classes: readonly number[],
  classCount: number,
): { byClass: readonly (number | null)[]; macro: number | null } {
  const byClass = Array.from({ length: classCount }, (_, k) =>
    areaUnderCurve(
      outputs.map((output) => output[k]!),
      classes.map((wanted) => wanted === k),
    ),
  );
  const known = byClass.filter((auc) => auc !== null);
  return { byClass, macro: known.length > 0 ? known.reduce((sum, auc) => sum + auc, 0) / known.length : null };
}
