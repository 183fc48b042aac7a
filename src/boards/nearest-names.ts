/** Which known names a mistyped one is likely to mean. */

/**
 * Names within a third of the word's length of edits, or that contain it or are contained in it; nearest first.
 * @returns three at most
 */
export function nearestNames(wanted: string, names: readonly string[]): readonly string[] {
  const allowed = Math.max(1, Math.floor(wanted.length / 3));
  const related = (name: string) => wanted.length >= 3 && (name.includes(wanted) || wanted.includes(name));
  return [...new Set(names)]
    .map((name) => ({ name, distance: related(name) ? 0 : editDistance(wanted.slice(0, 64), name) }))
    .filter(({ distance }) => distance <= allowed)
    .sort((a, b) => a.distance - b.distance || a.name.localeCompare(b.name))
    .slice(0, 3)
    .map(({ name }) => name);
}

/** Levenshtein: insertions, deletions and replacements that turn a into b. */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++)
      current[j] = Math.min(current[j - 1]! + 1, previous[j]! + 1, previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    previous = current;
  }
  return previous[b.length]!;
}
