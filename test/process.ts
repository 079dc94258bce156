/** Other processes, as tests look at them. */
import { existsSync, readFileSync } from "node:fs";

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
