/**
 * stdout is data, stderr is talk. A reader that went away (`fairlead | head -1`) is no reason to end or to spin:
 * what can no longer be written is dropped, and the server goes on.
 */

/** Resolves once it is written, or can no longer be: an exit before that would cut what a slow reader still has to get. */
export function printData(text: string): Promise<void> {
  return new Promise((resolve) => process.stdout.write(`${text}\n`, () => resolve()));
}

export function printTalk(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Call once, before anything is printed. */
export function survivePipes(): void {
  const drop = () => undefined; // there is nowhere left to say it
  process.stdout.on("error", drop);
  process.stderr.on("error", drop);
}
