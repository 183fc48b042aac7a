/** Work that a signal ends in the board's own way, instead of being dropped. */

/** Calls `onAbort` once when one of the signals fires (or has fired) while `work` runs. */
export async function withAbort<T>(
  signals: readonly (AbortSignal | undefined)[],
  onAbort: () => void,
  work: Promise<T>,
): Promise<T> {
  let called = false;
  const once = () => {
    if (!called) onAbort();
    called = true;
  };
  for (const signal of signals) {
    if (signal?.aborted) once();
    signal?.addEventListener('abort', once, { once: true });
  }
  try {
    return await work;
  } finally {
    for (const signal of signals) signal?.removeEventListener('abort', once);
  }
}
