/**
 * Moments at which a browser may have a network again that it had not: `online`, and a page that becomes visible. Elsewhere nothing happens.
 */
interface Target {
  addEventListener?(type: string, run: () => void): void;
  removeEventListener?(type: string, run: () => void): void;
}

/** Calls `run` at each such moment until the function it returns is called. */
export function onWake(run: () => void): () => void {
  const page = globalThis as Target & { document?: Target & { visibilityState?: string } };
  const seen = () => {
    if (page.document?.visibilityState === "visible") run();
  };
  page.addEventListener?.("online", run);
  page.document?.addEventListener?.("visibilitychange", seen);
  return () => {
    page.removeEventListener?.("online", run);
    page.document?.removeEventListener?.("visibilitychange", seen);
  };
}
