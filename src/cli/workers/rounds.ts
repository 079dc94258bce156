/**
 * What many ask for at any time, and what takes a while: one round at a time. Whoever asks during one is answered by the next, so no answer
 * is older than its question, and however many ask there are two at most.
 */
export function createRounds<T>(run: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  let next: Promise<T> | undefined;

  function begin(): Promise<T> {
    next = undefined;
    const round = run().finally(() => {
      if (next === undefined) running = undefined;
    });
    running = round;
    return round;
  }

  return () => {
    if (running === undefined) return begin();
    next ??= running.then(begin, begin);
    return next;
  };
}
