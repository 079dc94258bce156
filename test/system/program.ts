/**
 * A program under test and what it says. Its output ends when the last process that holds it is gone, so "the output ended"
 * proves that nothing was left behind, without looking at process ids.
 */
import { onTestFinished } from "bun:test";

export interface Program {
  readonly pid: number;
  /** Resolves with the match once the output so far matches; fails after `seconds`, or when the output ended without it. */
  says(pattern: RegExp, seconds?: number): Promise<RegExpExecArray>;
  /** Types into the terminal, when it has one. */
  type(text: string): void;
  kill(signal: NodeJS.Signals): void;
  /** How it ended: exit code, or the signal's name. Resolves when its output has ended too; fails after `seconds`. */
  ended(seconds?: number): Promise<number | NodeJS.Signals>;
  output(): string;
}

export interface ProgramOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Gives it a terminal of its own, as a shell in a window would. */
  readonly terminal?: boolean;
}

/** Killed when its test ends. */
export function start(command: readonly string[], options: ProgramOptions): Program {
  const program = launch(command, options);
  onTestFinished(() => program.kill("SIGKILL"));
  return program;
}

/** As `start`, for one that outlives a test: whoever launches it ends it. */
export function launch(command: readonly string[], { cwd, env, terminal }: ProgramOptions): Program {
  const heard = hearing();
  const common = { cwd, env: { ...process.env, ...env }, stdin: "ignore" } as const;
  const child = terminal
    ? Bun.spawn([...command], {
        ...common,
        stdin: undefined,
        terminal: { data: (_, bytes) => heard.add(bytes), exit: () => heard.end() },
      })
    : Bun.spawn([...command], { ...common, stdout: "pipe", stderr: "pipe" });
  const streams = terminal ? undefined : [child.stdout, child.stderr].map((stream) => pump(stream, heard));
  if (streams !== undefined) void Promise.all(streams).then(() => heard.end());
  return {
    pid: child.pid,
    says: (pattern, seconds = 10) => heard.match(pattern, seconds),
    type: (text) => void child.terminal?.write(text),
    kill: (signal) => child.kill(signal),
    async ended(seconds = 10) {
      const code = await within(seconds, child.exited, () => `it did not end; it said:\n${heard.text()}`);
      await within(seconds, heard.ended, () => `a process it left behind holds its output:\n${heard.text()}`);
      return child.signalCode ?? code;
    },
    output: heard.text,
  };
}

/** Collects what a program says, and lets tests wait for it. */
function hearing() {
  const decoder = new TextDecoder();
  const waiting = new Set<() => void>();
  const end = Promise.withResolvers<void>();
  let text = "";
  return {
    text: () => text,
    ended: end.promise,
    end: end.resolve,
    add(bytes: Uint8Array): void {
      text += decoder.decode(bytes, { stream: true });
      for (const look of waiting) look();
    },
    match(pattern: RegExp, seconds: number): Promise<RegExpExecArray> {
      const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
      const look = () => {
        const match = pattern.exec(text);
        if (match !== null) resolve(match);
      };
      waiting.add(look);
      look();
      const missing = () => `no ${pattern} in its output:\n${text}`;
      void end.promise.then(() => reject(new Error(missing())));
      return within(seconds, promise, missing).finally(() => waiting.delete(look));
    },
  };
}
type Hearing = ReturnType<typeof hearing>;

async function pump(stream: ReadableStream<Uint8Array> | undefined, heard: Hearing): Promise<void> {
  if (stream === undefined) return;
  for await (const bytes of stream) heard.add(bytes);
}

/** Fails with `what()` when the promise takes longer: a deadline, never a pause. */
export function within<T>(seconds: number, promise: Promise<T>, what: () => string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`after ${seconds} s: ${what()}`)), seconds * 1_000);
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
