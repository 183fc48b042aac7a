/** Which points no other point makes superfluous. */

/** Higher is better in every place. */
export type Merits = readonly number[];

/** As good in all, better in one. */
export const dominates = (a: Merits, b: Merits): boolean =>
  a.every((value, i) => value >= b[i]!) && a.some((value, i) => value > b[i]!);

/**
 * 0 for the front; n for what would be the front if those before were not there.
 * K. Deb, "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE TEC 6 (2002), in its plain form.
 */
export function paretoRanks(points: readonly Merits[]): readonly number[] {
  const ranks = new Array<number>(points.length).fill(-1);
  for (let rank = 0, left = points.length; left > 0; rank++) {
    const open = points.flatMap((_, i) => (ranks[i]! < 0 ? [i] : []));
    const front = open.filter((i) => !open.some((k) => dominates(points[k]!, points[i]!)));
    for (const i of front) ranks[i] = rank;
    left -= front.length;
  }
  return ranks;
}
