/** Whether two models differ, from the samples that one of them gets right and the other wrong. */

export interface McNemar {
  readonly onlyFirst: number; // samples that only the first model gets right
  readonly onlySecond: number;
  readonly p: number; // two-sided, exact: how likely at least so uneven a split is, if the models are equally good
}

/**
 * McNemar's test in its exact form, for few and many samples alike: of the samples on which the models differ, each goes
 * one way or the other by the toss of a coin. Q. McNemar, "Note on the sampling error of the difference between
 * correlated proportions" (1947).
 * @param first whether the first model is right, by sample; @param second the same samples
 */
export function mcNemar(first: readonly boolean[], second: readonly boolean[]): McNemar {
  if (first.length !== second.length) throw new TypeError(`${first.length} and ${second.length} answers do not pair`);
  let [onlyFirst, onlySecond] = [0, 0];
  for (const [i, right] of first.entries()) {
    if (right && !second[i]) onlyFirst++;
    if (!right && second[i]) onlySecond++;
  }
  return { onlyFirst, onlySecond, p: signTest(onlyFirst, onlySecond) };
}

/** 2 · P(X ≤ min) for X of a fair coin thrown a + b times, at most 1; in logarithms, so that any number of throws works. */
function signTest(a: number, b: number): number {
  const throws = a + b;
  let logCoefficient = 0; // of throws over k
  let tail = 0;
  for (let k = 0; k <= Math.min(a, b); k++) {
    tail += Math.exp(logCoefficient - throws * Math.LN2);
    logCoefficient += Math.log((throws - k) / (k + 1));
  }
  return Math.min(1, 2 * tail);
}
