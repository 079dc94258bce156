/**
 * Records sessions: what both sides said, frame by frame, in a file for each session. The session never waits for the disk.
 * Limits: `bytes` a file, `files` in the folder, WAITING_BYTES and ALL_WAITING_BYTES between sessions and the disk.
 * Failure: a recording that cannot go on ends, with a marker where that can still be written; the session goes on. It is counted, and the
 * log has one warning a minute.
 */
import type { Clock } from "../clock.ts";
import { type RecordOptions, recordOptions } from "../config/kinds/every.ts";
import type { Data } from "../connection.ts";
import type { Log } from "../log.ts";
import type { RecordingResult, RouteCounters } from "../metrics.ts";
import { VERSION } from "../version.ts";
import { createFolder, type Folder, type RecordingFile } from "./folder.ts";
import { type Direction, type EndReason, endLine, frameLine, headerLine } from "./lines.ts";

/** What one session may have said that is not on the disk yet: at full speed some milliseconds. One frame may be larger. */
const WAITING_BYTES = 16 * 1024 * 1024;
/** The same for all sessions of a route, so that a disk that hangs costs no more than this. */
const ALL_WAITING_BYTES = 64 * 1024 * 1024;
/** Kept free in a file for its last line. */
const LAST_LINE_BYTES = 64;
const WARN_EVERY_MS = 60_000;
/** Milliseconds for the disk when the gateway stops. */
const FAREWELL_MS = 1_000;

export interface Recorder {
  /** What was said, when it was said. The bytes may change afterwards. */
  frame(dir: Direction, data: Data): void;
  /** The session is over. */
  end(): void;
}

export interface Recordings {
  /** `about`: what logs say of the session, `conn` among it; the file is named after that. */
  start(about: Readonly<Record<string, string>>): Recorder;
  /** Ends all, and resolves when they are on the disk, or after FAREWELL_MS. */
  dispose(): Promise<void>;
}

export interface RecordingsDeps {
  readonly options: RecordOptions;
  readonly route: string;
  readonly counters: Pick<RouteCounters, "recordings">;
  readonly clock: Clock;
  readonly log: Log;
}

interface House extends RecordingsDeps {
  readonly folder: Folder;
  /** Sessions whose file is not closed. */
  readonly live: Set<Recording>;
  /** Of all sessions. */
  waitingBytes: number;
  warn(fields: Readonly<Record<string, unknown>>): void;
}

/** What a route's option `record` asks for; undefined: nothing is recorded. */
export function recordingsOf(
  record: string | RecordOptions | undefined,
  house: Omit<RecordingsDeps, "options">,
): Recordings | undefined {
  const options = recordOptions(record);
  return options && createRecordings({ ...house, options });
}

/** `folder`: instead of the one that the options name. */
export function createRecordings(
  deps: RecordingsDeps,
  folder = createFolder({ ...deps.options, route: deps.route }),
): Recordings {
  const { clock, log, route } = deps;
  let warned = Number.NEGATIVE_INFINITY;
  const house: House = {
    ...deps,
    folder,
    live: new Set(),
    waitingBytes: 0,
    warn(fields) {
      if (clock.now() - warned < WARN_EVERY_MS) return;
      warned = clock.now();
      log.warn({ ...fields, route }, "! a recording stopped, the session goes on");
    },
  };
  return {
    start: (about) => new Recording(house, about),
    async dispose() {
      for (const recording of house.live) recording.end();
      const farewell = Promise.withResolvers<void>();
      const timer = clock.after(FAREWELL_MS, farewell.resolve);
      await Promise.race([Promise.all([...house.live].map(({ done }) => done)), farewell.promise]);
      timer.cancel();
    },
  };
}

const RESULTS = { closed: "whole", full: "full", slow: "failed" } as const satisfies Record<
  EndReason,
  RecordingResult
>;

class Recording implements Recorder {
  /** All that is to be done with the file so far, in order. Never rejects. */
  done: Promise<void>;
  private file: RecordingFile | undefined;
  private waiting: string[] = [];
  /** Not on the disk yet, what is being written included. */
  private waitingBytes = 0;
  /** In the file, once all is written. */
  private bytes = 0;
  private isDue = false;
  private isOver = false;
  private readonly began: number;

  constructor(
    private readonly house: House,
    private readonly about: Readonly<Record<string, string>>,
  ) {
    const { clock, folder, route, live } = house;
    const started = new Date(clock.wall());
    this.began = clock.now();
    live.add(this);
    this.done = Promise.resolve();
    this.next(async () => {
      this.file = await folder.create(started, about["conn"] ?? "session");
    });
    this.add(headerLine({ version: VERSION, route, started: started.toISOString(), about }));
  }

  frame(dir: Direction, data: Data): void {
    if (this.isOver) return;
    const { bytes } = this.house.options;
    const line = frameLine({ t: this.age(), dir, data });
    const size = Buffer.byteLength(line);
    if (bytes > 0 && this.bytes + size + LAST_LINE_BYTES > bytes) this.stop("full");
    else if (!this.hasRoom(size)) this.stop("slow");
    else this.add(line, size);
  }

  end(): void {
    this.stop("closed");
  }

  private stop(reason: EndReason): void {
    if (this.isOver) return;
    this.isOver = true;
    this.add(endLine(this.age(), reason));
    if (reason === "slow") this.house.warn({ ...this.about, reason: "the disk does not keep up" });
    this.next(async () => {
      await this.file?.release();
      this.leave(RESULTS[reason]);
    });
  }

  private hasRoom(size: number): boolean {
    const isTooMuch =
      this.waitingBytes + size > WAITING_BYTES || this.house.waitingBytes + size > ALL_WAITING_BYTES;
    return this.waitingBytes === 0 || !isTooMuch;
  }

  private age(): number {
    return Math.round(this.house.clock.now() - this.began);
  }

  private add(line: string, size = Buffer.byteLength(line)): void {
    this.waiting.push(line);
    this.waitingBytes += size;
    this.house.waitingBytes += size;
    this.bytes += size;
    if (!this.isDue) this.next(() => this.flush());
    this.isDue = true;
  }

  private async flush(): Promise<void> {
    const [lines, size] = [this.waiting, this.waitingBytes];
    this.isDue = false;
    this.waiting = [];
    await this.file?.handle.appendFile(lines.join(""));
    this.settle(size);
  }

  private settle(size: number): void {
    this.waitingBytes -= size;
    this.house.waitingBytes -= size;
  }

  private next(step: () => Promise<void>): void {
    this.done = this.done.then(step).catch((error) => this.fail(error));
  }

  /** Without a file the steps that follow do nothing. */
  private async fail(error: unknown): Promise<void> {
    this.isOver = true;
    this.waiting = [];
    this.settle(this.waitingBytes);
    this.house.warn({ ...this.about, reason: String(error) });
    this.leave("failed");
    const { file } = this;
    this.file = undefined;
    await file?.release().catch((another) => this.house.log.debug({ reason: String(another) }, "! no close"));
  }

  private leave(result: RecordingResult): void {
    if (this.house.live.delete(this)) this.house.counters.recordings[result] += 1;
  }
}
