/** Progress out of what flash tools print: nearly all of them print percentages somewhere. */

/** The last percentage in a text as a fraction; undefined while there is none. */
export function lastPercent(said: string): number | undefined {
  const all = said.slice(-2000).match(/\b(\d{1,3})\s?%/g);
  const percent = all ? Number.parseInt(all.at(-1)!, 10) : Number.NaN;
  return percent <= 100 ? percent / 100 : undefined;
}
