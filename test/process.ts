/** Other processes, as tests look at them. */
import { existsSync, readFileSync } from "node:fs";
import { locate } from "./requires.ts";

/** The command, so that it dies with the process that starts it, even where that one is killed. Where there is no `setpriv`, it may stay. */
export function mortal(command: readonly string[]): readonly string[] {
  const setpriv = locate("setpriv");
  return setpriv === undefined ? command : [setpriv, "--pdeathsig", "KILL", ...command];
}

/** Also one that nobody has asked for yet: a zombie has ended. */
export function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, "utf8") : "";
    return /\) Z /.test(stat);
  } catch {
    // ESRCH or ENOENT: there is nobody.
    return true;
  }
}
