/**
 * Preloaded into a Bun that runs as the launcher's child: when the launcher is gone without a word (SIGKILL), the program
 * gets SIGTERM and stops in order, so nothing keeps the port. Noticed within a second. Keeps no process alive.
 */
const launcher = process.ppid;
const timer = setInterval(() => {
  if (process.ppid === launcher) return;
  clearInterval(timer);
  process.kill(process.pid, "SIGTERM");
}, 1_000);
timer.unref();
