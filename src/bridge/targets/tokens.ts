/**
 * Targets by token, from a file or from every file in a folder, in websockify's form: a line is `token: host:port`, `#` begins a comment.
 * Looked at again at most once a second, when somebody asks, and read again when changed, in turns of the event loop: who asks waits for it,
 * and nobody else does.
 * Limits: MAX_FILE_BYTES each, MAX_FILES in a folder. Failure: at the start CONFIG_INVALID; later what was read last still counts,
 * and one line in the log says so. A line that is none is passed over and told by its number, never by its text.
 * Tokens are compared by their hashes, so that the time it takes tells nothing, and none is ever written anywhere.
 */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  type Stats,
  statSync,
} from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../clock.ts";
import { formatPath } from "../../config/key-path.ts";
import { isFault, parseTarget, type Target } from "../../config/target.ts";
import { FairleadError } from "../../errors.ts";
import type { Log } from "../../log.ts";

export interface Tokens {
  find(token: string): Target | undefined | Promise<Target | undefined>;
}

export interface TokensOptions {
  /** A file or a folder. */
  readonly source: string;
  /** The route's path, for errors and the log. */
  readonly route: string;
  readonly clock: Clock;
  readonly log: Log;
}

const CHECK_MS = 1_000;
/** Lines that are read in one turn: some milliseconds, on a slow machine. */
const LINES_PER_TURN = 500;
const MAX_FILE_BYTES = 1024 * 1024;
const MAX_FILES = 1_000;
const MAX_TOKEN_BYTES = 512;
/** Line numbers that one line of the log names. */
const MAX_TOLD = 10;

/** A file as it was read last. `stamp` changes with it. */
interface Listing {
  readonly stamp: string;
  readonly targets: ReadonlyMap<string, Target>;
}

/** Throws CONFIG_INVALID when the source cannot be read. */
export function createTokens({ source, route, clock, log }: TokensOptions): Tokens {
  const listings = new Map<string, Listing>();
  /** Told of already. */
  const broken = new Set<string>();
  let isLost = false;
  let all = new Map<string, Target>();
  let checkedAt = clock.now();
  /** A look that has not ended. */
  let looking: Promise<void> | undefined;

  function* readFiles(onError: (file: string, error: unknown) => void): Steps {
    const files = new Set(filesOf(source));
    let changed = false;
    for (const gone of [...listings.keys()].filter((file) => !files.has(file))) {
      changed = listings.delete(gone);
    }
    for (const file of files) {
      try {
        changed = (yield* readFile(file)) || changed;
        broken.delete(file);
      } catch (error) {
        onError(file, error);
      }
    }
    if (changed) all = new Map([...listings.values()].flatMap(({ targets }) => [...targets]));
  }

  /** False: it is as it was. */
  function* readFile(file: string): Steps<boolean> {
    const stamp = stampOf(statSync(file));
    if (listings.get(file)?.stamp === stamp) return false;
    const { targets, bad } = yield* parseTokens(readText(file));
    listings.set(file, { stamp, targets });
    if (bad.length > 0) {
      const lines = bad.slice(0, MAX_TOLD).join(" ");
      log.warn({ route, file, bad: bad.length, lines }, "! lines of the token file are passed over");
    }
    return true;
  }

  function warn(file: string, error: unknown): void {
    log.warn({ route, file, err: error }, "! the token file cannot be read; what it said last still counts");
  }

  function warnOnce(file: string, error: unknown): void {
    if (!broken.has(file)) warn(file, error);
    broken.add(file);
  }

  function* look(): Steps {
    try {
      yield* readFiles(warnOnce);
      isLost = false;
    } catch (error) {
      if (!isLost) warn(source, error);
      isLost = true;
    }
  }

  /** Undefined: what was read last is up to date. */
  function refresh(): Promise<void> | undefined {
    if (looking !== undefined || clock.now() - checkedAt < CHECK_MS) return looking;
    checkedAt = clock.now();
    looking = inTurns(look())?.finally(() => {
      looking = undefined;
    });
    return looking;
  }

  try {
    atOnce(
      readFiles((_, error) => {
        throw error;
      }),
    );
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    const at = formatPath(["routes", route, "tokens"]);
    throw new FairleadError("CONFIG_INVALID", `${at}: cannot be read (${problem}). Does it exist?`, {
      cause: error,
    });
  }

  return {
    find(token) {
      const found = () => all.get(hashOf(token));
      const looking = refresh();
      return looking === undefined ? found() : looking.then(found);
    },
  };
}

/** Work that may be interrupted. */
type Steps<T = void> = Generator<undefined, T>;

/** The result of what may take its time because nobody is served yet. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Undefined: it was done in one turn. */
function inTurns(steps: Steps): Promise<void> | undefined {
  return steps.next().done ? undefined : theRest(steps);
}

async function theRest(steps: Steps): Promise<void> {
  do await new Promise<void>((turn) => setImmediate(turn));
  while (!steps.next().done);
}

/** The file itself, or those in the folder: no folders below it, and nothing whose name begins with a dot. */
function filesOf(source: string): string[] {
  if (!statSync(source).isDirectory()) return [source];
  const names = readdirSync(source).filter((name) => !name.startsWith("."));
  const files = names.map((name) => join(source, name)).filter((file) => isFile(file));
  if (files.length > MAX_FILES) throw new Error(`${files.length} files, and ${MAX_FILES} are read`);
  return files.sort();
}

/** A pipe would be waited for, and a link may lead to nothing. */
function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** It may have become anything since it was looked at: what is no file would be waited for, or never end. */
function readText(path: string): string {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw new Error("it is no file");
    if (stats.size > MAX_FILE_BYTES) throw new Error(`${stats.size} bytes, and ${MAX_FILE_BYTES} are read`);
    const bytes = Buffer.alloc(stats.size);
    return bytes.toString("utf8", 0, readSync(descriptor, bytes));
  } finally {
    closeSync(descriptor);
  }
}

function stampOf({ mtimeMs, ctimeMs, size, ino }: Stats): string {
  return [mtimeMs, ctimeMs, size, ino].join(" ");
}

/** A tenth of the time that node:crypto takes. */
function hashOf(token: string): string {
  return Bun.SHA256.hash(token, "base64");
}

/** `bad`: numbers of the lines that are none. Of a token that stands twice the last counts, as with websockify. */
export function* parseTokens(text: string): Steps<{ targets: Map<string, Target>; bad: number[] }> {
  const targets = new Map<string, Target>();
  const bad: number[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    // This takes a byte order mark off, too.
    const line = raw.trim();
    if (index % LINES_PER_TURN === LINES_PER_TURN - 1) yield;
    if (line === "" || line.startsWith("#")) continue;
    const colon = line.search(/:\s/);
    const token = line.slice(0, Math.max(0, colon));
    const written = line.slice(colon + 1).trimStart();
    const target = parseTarget(written.replace(/^unix_socket:/, "unix:"));
    // What may write this file is not what may run programs.
    const isBad = token === "" || Buffer.byteLength(token) > MAX_TOKEN_BYTES || isFault(target);
    if (isBad || target.kind === "exec") bad.push(index + 1);
    else targets.set(hashOf(token), target);
  }
  return { targets, bad };
}
