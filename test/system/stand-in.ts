/**
 * Stands in for Fairlead behind the launcher. `exit N` ends with that code, `die SIGNAL` by that signal, `args ...` prints
 * the rest. Without arguments it waits, says each signal it gets, and ends 100 ms (`slow`: 1 s) after the first one with code 42.
 */
const [verb, value = "", ...rest] = process.argv.slice(2);

if (verb === "exit") process.exit(Number(value));
else if (verb === "die") process.kill(process.pid, value);
else if (verb === "args") console.log(JSON.stringify([value, ...rest]));
else wait();

function wait() {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const;
  for (const signal of signals) {
    process.on(signal, () => {
      console.log(`got ${signal}`);
      setTimeout(() => process.exit(42), verb === "slow" ? 1_000 : 100);
    });
  }
  setInterval(() => {}, 60_000);
  console.log(`ready as ${process.pid}`);
}
