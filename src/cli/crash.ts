/** The end of a process in a state that nobody planned: one line says what it was, and where, and it does not go on. */
import { showValue } from "../config/key-path.ts";
import { printTalk } from "./output.ts";

export function crash(error: unknown): never {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const frame =
    error instanceof Error ? error.stack?.split("\n").find((line) => /^\s+at /.test(line)) : undefined;
  printTalk(
    `fairlead: ended by an error that nothing handled: ${showValue(text)} ${(frame ?? "").trim()}`.trimEnd(),
  );
  process.exit(1);
}

/** Call once, before anything can fail. */
export function crashClearly(): void {
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);
}
