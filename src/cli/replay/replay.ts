/**
 * `fairlead replay` from the file to the exit code: prints a recording, or plays one direction of it to a far end.
 * Exit codes: 0 all of it, 1 a part of it, because the file or the far end had no more; one line says which.
 */
import type { Clock } from "../../clock.ts";
import type { Data } from "../../connection.ts";
import type { Direction, Line } from "../../recording/lines.ts";
import { escapeLine } from "../connect/escape.ts";
import type { FarEnd, Opened } from "./far-end.ts";
import { createPace } from "./pace.ts";
import { type Numbered, readRecording } from "./recording-file.ts";
import { timelineOf } from "./timeline.ts";

export interface ReplayIo {
  /** The file's bytes. May throw the system's error. */
  readonly file: AsyncIterable<Uint8Array>;
  /** What the file is called. */
  readonly name: string;
  /** Resolves when it is written; false: nobody reads any more. */
  print(data: Data): Promise<boolean>;
  talk(line: string): void;
  readonly clock: Clock;
}

export interface PrintOptions {
  /** Undefined: both. */
  readonly direction: Direction | undefined;
  /** The bytes of the frames and nothing else. */
  readonly isRaw: boolean;
  readonly speed: number;
}

export async function printRecording(options: PrintOptions, io: ReplayIo): Promise<number> {
  const pace = createPace(io.clock, options.speed);
  const never = new AbortController().signal;
  let problems = 0;
  let first = "";
  for await (const numbered of entriesOf(io)) {
    const { line } = numbered;
    if (line.type === "problem") {
      problems += 1;
      first ||= problemOf(numbered);
      continue;
    }
    if (line.type === "frame") {
      if (options.direction !== undefined && line.frame.dir !== options.direction) continue;
      await pace(line.frame.t, never);
    }
    const text = options.isRaw ? rawOf(line) : `${timelineOf(line)}\n`;
    if (text !== undefined && !(await io.print(text))) return 0;
  }
  if (problems === 0) return 0;
  const more = problems > 1 ? `; of ${problems} problems this is the first` : "";
  complain(io, `${first}${more}`);
  return 1;
}

function rawOf(line: Line): Data | undefined {
  return line.type === "frame" ? line.frame.data : undefined;
}

export interface PlayOptions {
  readonly direction: Direction;
  readonly speed: number;
  /** What the far end is called. */
  readonly url: string;
  open(): Promise<Opened>;
}

/** What cannot be read ends it, because a stream with a hole is another stream. The file is looked at before anybody is connected to. */
export async function playRecording(options: PlayOptions, io: ReplayIo): Promise<number> {
  const entries = entriesOf(io);
  const first = await entries.next();
  if (first.done === true || first.value.line.type === "problem") {
    complain(io, first.done === true ? "nothing is in it" : problemOf(first.value));
    return 1;
  }
  const far = await options.open();
  if ("problem" in far) {
    io.talk(`fairlead: ${options.url}: ${far.problem}`);
    return 1;
  }
  const began = io.clock.now();
  const played = await play(entries, options, far, io.clock);
  const problem = await far.finish();
  const seconds = ((io.clock.now() - began) / 1_000).toFixed(1);
  const frames = `${played.frames} ${played.frames === 1 ? "frame" : "frames"}`;
  io.talk(`fairlead: played ${frames}, ${played.bytes} B in ${seconds} s; ${far.received} B came back`);
  if (problem !== undefined) io.talk(`fairlead: ${options.url}: ${problem}`);
  if (played.problem !== undefined) complain(io, played.problem);
  return problem === undefined && played.problem === undefined ? 0 : 1;
}

interface Played {
  readonly frames: number;
  readonly bytes: number;
  /** Why there is no more of it. */
  readonly problem: string | undefined;
}

/** Stays until the session ended, so that the far end can answer as it did. */
async function play(
  entries: AsyncIterable<Numbered>,
  { direction, speed }: PlayOptions,
  far: FarEnd,
  clock: Clock,
): Promise<Played> {
  const pace = createPace(clock, speed);
  let frames = 0;
  let bytes = 0;
  for await (const numbered of entries) {
    const { line } = numbered;
    if (line.type === "problem") return { frames, bytes, problem: problemOf(numbered) };
    if (line.type === "header") continue;
    await pace(line.type === "end" ? line.t : line.frame.t, far.gone);
    if (far.gone.aborted) break;
    if (line.type === "end" || line.frame.dir !== direction) continue;
    await far.send(line.frame.data);
    frames += 1;
    bytes += Buffer.byteLength(line.frame.data);
  }
  return { frames, bytes, problem: undefined };
}

/** Of the file, whose name may be as strange as what it holds. */
function complain({ name, talk }: ReplayIo, problem: string): void {
  talk(escapeLine(`fairlead: ${name}: ${problem}`));
}

function problemOf({ number, line }: Numbered): string {
  const text = line.type === "problem" ? line.problem : "";
  return number === 0 ? text : `line ${number}: ${text}`;
}

/** A file that cannot be read is one that has a problem. */
async function* entriesOf({ file }: ReplayIo): AsyncGenerator<Numbered> {
  try {
    yield* readRecording(file);
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    yield { number: 0, line: { type: "problem", problem: error.message } };
  }
}
