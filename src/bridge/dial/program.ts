/**
 * A program as the far end of a bridge: its stdin and stdout are the stream, its stderr goes to the log, line by line. No shell, and of the
 * gateway's environment only what ENVIRONMENT lists, because the rest may be secret; it is told who is there by REMOTE_ADDR and REMOTE_PORT.
 * Ends: its stdin is closed with the client's half; `end` sends SIGTERM to it and all it started, and SIGKILL after KILL_MS, or when it is ended
 * once more. Its own exit is the end of the stream, whatever its status; the log has that.
 */

import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import type { Clock, Timer } from "../../clock.ts";
import { codeOf } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { AdmitRequest } from "../../route.ts";
import type { Upstream, UpstreamSlot } from "../upstream.ts";
import { StreamUpstream } from "./stream-upstream.ts";

export interface ProgramOptions {
  readonly command: readonly string[];
  /** Its client. */
  readonly caller: Pick<AdmitRequest, "remoteAddress" | "remotePort">;
  readonly clock: Clock;
  readonly log: Log;
  /** The route's path, for the log. */
  readonly route: string;
}

type Process = ChildProcessByStdio<Writable, Readable, Readable>;

const KILL_MS = 5_000;
const ENVIRONMENT = ["PATH", "HOME", "USER", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR"];
/** Of stderr: characters of a line that are logged, and lines of one program; the rest is read and dropped. */
const MAX_LINE = 1_024;
const MAX_LINES = 1_000;

/** Rejects when the program cannot be started: ENOENT, EACCES. */
export function startProgram(options: ProgramOptions, slot: UpstreamSlot): Promise<Upstream> {
  const { command, caller } = options;
  const [file = "", ...args] = command;
  const kept = ENVIRONMENT.map((name) => [name, process.env[name]] as const);
  // Its own process group, so that what it starts ends with it.
  const child = spawn(file, args, {
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      ...Object.fromEntries(kept.filter(([, value]) => value !== undefined)),
      REMOTE_ADDR: caller.remoteAddress,
      REMOTE_PORT: String(caller.remotePort),
    },
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.once("spawn", () => resolve(upstreamOf(child, options, slot)));
  });
}

function upstreamOf(child: Process, options: ProgramOptions, slot: UpstreamSlot): Upstream {
  const { clock, log, route } = options;
  const fields = { route, target: slot.target, pid: child.pid };
  let last: Timer | undefined;
  let isEnding = false;
  const send = (name: "SIGTERM" | "SIGKILL") => {
    const problem = signalGroup(child, name);
    if (problem !== undefined) log.warn({ ...fields, reason: problem }, "! the program cannot be ended");
  };
  const kill = () => {
    send("SIGKILL");
    // What has left the group may hold the pipes for as long as it likes, and nobody listens any more.
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  };
  const end = () => {
    last?.cancel();
    if (isEnding) return kill();
    isEnding = true;
    send("SIGTERM");
    last = clock.after(KILL_MS, kill);
  };
  const upstream = new StreamUpstream(slot, { from: child.stdout, to: child.stdin, end, terminate: end });
  child.once("exit", (status, by) => {
    log.info({ ...fields, status: by ?? status }, "the program has ended");
    // What it has started may still hold its stdout, and would keep the stream open. What is in there already is still delivered.
    send("SIGTERM");
    last ??= clock.after(KILL_MS, () => send("SIGKILL"));
  });
  child.once("close", () => {
    // Something in its group may close all pipes, not listen to SIGTERM, and stay: its time runs on.
    if (isGroupEmpty(child)) last?.cancel();
    upstream.closed();
  });
  readLines(child.stderr, (line) => log.info({ ...fields, line }, "the program says"));
  return upstream;
}

/** To all of its group; nobody being left there is no problem. */
function signalGroup({ pid }: Process, name: "SIGTERM" | "SIGKILL"): string | undefined {
  // Group 0 would be our own.
  if (pid === undefined || pid === 0) return undefined;
  try {
    process.kill(-pid, name);
    return undefined;
  } catch (error) {
    const code = codeOf(error);
    return code === "ESRCH" ? undefined : code;
  }
}

function isGroupEmpty({ pid = 0 }: Process): boolean {
  try {
    return pid === 0 || !process.kill(-pid, 0);
  } catch (error) {
    return codeOf(error) === "ESRCH";
  }
}

/** Lines cut at MAX_LINE, the unfinished last one too. */
function readLines(stream: Readable, tell: (line: string) => void): void {
  let told = 0;
  let rest = "";
  const say = (line: string) => {
    told += 1;
    if (told <= MAX_LINES && line !== "")
      tell(told === MAX_LINES ? "(no more of its lines is logged)" : line);
  };
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    if (told >= MAX_LINES) return;
    const lines = text.split("\n").map((line) => line.slice(0, MAX_LINE));
    lines[0] = (rest + lines[0]).slice(0, MAX_LINE);
    rest = lines.pop() ?? "";
    for (const line of lines) say(line.trimEnd());
  });
  stream.on("end", () => say(rest.trimEnd()));
  // Its other pipes tell of its end.
  stream.on("error", () => {});
}
