/**
 * Two ways to hand this process over to another program. `process.execve` replaces it. Where Node has none (before 23.11), and
 * under npx, the program is a child with the same stdio, and this process lives only to pass signals on and to end as it ends.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";

const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"];

/**
 * Runs Bun with `args` in place of this process. Does not return, unless it throws because Bun could not be started.
 * @param {string} bun
 * @param {readonly string[]} args
 */
export async function becomeBun(bun, args) {
  const underNpx = process.env["npm_lifecycle_event"] === "npx";
  if (typeof process.execve === "function" && !underNpx) process.execve(bun, [bun, ...args], process.env);
  // --no-orphans: a launcher that is killed outright passes nothing on, so Bun watches its parent and goes with it.
  endLike(await runChild(bun, ["--no-orphans", ...args], "inherit", { endsWithParent: underNpx }));
}

/**
 * Runs a child to its end and passes on every signal that reaches this process meanwhile. A terminal's Ctrl-C reaches
 * both, so the child sees it twice.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import("node:child_process").StdioOptions} stdio
 * @param {import("node:child_process").SpawnOptions & { endsWithParent?: boolean }} [options]
 * @returns {Promise<{ code: number | null, signal: NodeJS.Signals | null }>}
 */
export function runChild(command, args, stdio, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio });
    let isTold = false;
    /** @param {NodeJS.Signals} signal */
    const forward = (signal) => {
      isTold = true;
      child.kill(signal);
    };
    const stop = () => {
      for (const signal of FORWARDED) process.off(signal, forward);
    };
    for (const signal of FORWARDED) process.on(signal, forward);
    if (options?.endsWithParent) onParentGone(() => isTold || forward("SIGTERM"));
    child.once("error", (error) => {
      stop();
      reject(error);
    });
    child.once("exit", (code, signal) => {
      stop();
      resolve({ code, signal });
    });
  });
}

/**
 * npx runs us below a shell that dies of a signal without passing it on, so nothing but a new parent tells of it.
 * @param {() => void} run
 */
function onParentGone(run) {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    setTimeout(run, 100); // a Ctrl-C that ended the shell is on its way to us too
  }, 250);
  timer.unref();
}

/**
 * Ends this process as the child ended. A signal whose default does not end us (SIGUSR1 in Node, any as pid 1 of a
 * container) leaves the shell's number for it.
 * @param {{ code: number | null, signal: NodeJS.Signals | null }} end
 * @returns {never}
 */
function endLike({ code, signal }) {
  if (signal === null) process.exit(code ?? 1);
  process.kill(process.pid, signal);
  process.exit(128 + constants.signals[signal]);
}
