/**
 * Opens the engine's file, alone: SQLite's lock is held until it is closed, so a second gateway gets one clear error.
 * The file knows the boot of the machine and whether it was closed. When neither fits, the power may have been cut: with `batch`
 * messages that were told may be lost, so every topic begins a new epoch.
 * A file that is not ours or is damaged is moved aside; nothing is deleted.
 */
import { Database } from "bun:sqlite";
import { randomBytes } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { FairleadError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { createStore, type Store, TABLES } from "./store.ts";

/** `batch`: durable at the next checkpoint, safe from a crash of the process. `always`: each commit waits for the disk. */
export type Sync = "batch" | "always";

/** What SQLite finds in `application_id`: a file of ours. */
const APPLICATION = 0x46_4c_52_44;
/** Of the tables; a file of a later version is refused, so that going back does not throw it away. */
const VERSION = 1;
/** How long the log of a file grows until it is worked in: each time costs a wait for the disk. */
const CHECKPOINT_PAGES = 4_000;
const SIDES = ["", "-wal", "-shm"];

export interface FileOptions {
  readonly file: string;
  readonly sync: Sync;
  /** Unix milliseconds, for the name of a file that is moved aside. */
  readonly wall: () => number;
  readonly log: Pick<Log, "warn" | "error">;
  /** Damage was seen in it: it is moved aside without a look. */
  readonly damage?: string | undefined;
}

export interface OpenFile {
  readonly store: Store;
  /** What was published before may be missing in it. */
  readonly isWhole: boolean;
  /** Marks it as closed, and closes it. */
  close(): void;
  /** Lets it go as it is. */
  abandon(): void;
}

/** @throws FairleadError ENGINE_DOWN for what its owner can mend; anything else: the disk fails, and may come back. */
export function openFile(options: FileOptions): OpenFile {
  prepareFile(options.file);
  const found = options.damage ?? open(options);
  if (typeof found !== "string") return found;
  moveAside(options, found);
  const fresh = open(options);
  if (typeof fresh !== "string") return fresh;
  throw new FairleadError("ENGINE_DOWN", `cannot use ${options.file}, though it is new: ${fresh}`);
}

/** What is in the file was not written so: SQLite says it, or two messages claim one place. */
export const isDamage = (error: unknown): error is Error =>
  /^SQLITE_(?:CORRUPT|NOTADB|CONSTRAINT_(?:PRIMARYKEY|UNIQUE))/.test(codeOf(error));

/** Our mark, but not our tables. */
const isForeign = (error: unknown): error is Error => codeOf(error) === "SQLITE_ERROR";

/** What SQLite or the system calls it. */
const codeOf = (error: unknown) => (error instanceof Error && "code" in error ? String(error.code) : "");

/** A string says why the file cannot be used. */
function open({ file, sync, log }: FileOptions): OpenFile | string {
  const db = new Database(file, { readwrite: true, create: true });
  try {
    const owner = ownerOf(db, file);
    if (owner === "foreign") return giveUp(db, "it is a database of another program");
    // FULL until the mark is on the disk: after a power cut the file must say that it was not closed.
    set(db, "locking_mode = EXCLUSIVE", "synchronous = FULL");
    useLog(db, file);
    if (owner === "nobody") createTables(db);
    const store = createStore(db);
    const wasCut = markOpen(store, sync);
    if (wasCut) {
      const check = db.query<{ quick_check: string }, []>("PRAGMA quick_check(1)").get()?.quick_check;
      if (check !== "ok") return giveUp(db, check ?? "it cannot be checked");
      log.warn({ file }, "power cut: topics begin new epochs");
    }
    set(db, `synchronous = ${sync === "always" ? "FULL" : "NORMAL"}`);
    set(db, `wal_autocheckpoint = ${CHECKPOINT_PAGES}`, `journal_size_limit = ${CHECKPOINT_PAGES * 4096}`);
    return { store, isWhole: owner === "us" && !wasCut, close: () => closeFile(store), abandon: store.close };
  } catch (error) {
    if (isDamage(error) || isForeign(error)) return giveUp(db, error.message);
    db.close();
    throw explained(file, error);
  }
}

function giveUp(db: Database, reason: string): string {
  db.close();
  return reason;
}

function set(db: Database, ...pragmas: readonly string[]): void {
  for (const pragma of pragmas) db.query(`PRAGMA ${pragma}`).all();
}

/** The promises of `Sync` are those of a write-ahead log. */
function useLog(db: Database, file: string): void {
  const mode = db.query<{ journal_mode: string }, []>("PRAGMA journal_mode = WAL").get()?.journal_mode;
  if (mode === "wal") return;
  throw new FairleadError(
    "ENGINE_DOWN",
    `${file} lies where SQLite can keep no log (journal mode ${mode}); use a local disk`,
  );
}

function ownerOf(db: Database, file: string): "nobody" | "us" | "foreign" {
  const number = (sql: string) => db.query<{ n: number }, []>(sql).get()?.n ?? 0;
  const application = number("SELECT application_id AS n FROM pragma_application_id");
  if (application === 0 && number("SELECT count(*) AS n FROM sqlite_schema") === 0) return "nobody";
  if (application !== APPLICATION) return "foreign";
  const version = number("SELECT user_version AS n FROM pragma_user_version");
  if (version <= VERSION) return "us";
  throw new FairleadError(
    "ENGINE_DOWN",
    `${file} was written by a later version of Fairlead (tables ${version}, this one knows ${VERSION}); start that version, or name another file`,
  );
}

function createTables(db: Database): void {
  db.transaction(() => {
    db.run(TABLES);
    set(db, `application_id = ${APPLICATION}`, `user_version = ${VERSION}`);
  })();
}

/** True: the machine may have lost the end of what was told, and every topic has a new epoch now. */
function markOpen(store: Store, sync: Sync): boolean {
  const boot = bootId();
  const isSafe =
    store.meta("closed") !== "no" ||
    store.meta("sync") === "always" ||
    (boot !== "" && store.meta("boot") === boot);
  store.transaction(() => {
    if (!isSafe) store.newEpochs(freshEpoch());
    store.setMeta("boot", boot);
    store.setMeta("sync", sync);
    store.setMeta("closed", "no");
  });
  return !isSafe;
}

function closeFile(store: Store): void {
  store.setMeta("closed", "yes");
  store.close();
}

/** Empty where the system does not tell: then every end without a close counts as a power cut. */
function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    // No /proc: the answer above is the safe one.
    return "";
  }
}

export const freshEpoch = () => randomBytes(12).toString("base64url");

/** Messages are nobody else's: SQLite gives its log the rights of the file. */
function prepareFile(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    closeSync(openSync(file, "a", 0o600));
  } catch (error) {
    throw explained(file, error);
  }
}

function moveAside({ file, wall, log }: FileOptions, reason: string): void {
  const to = `${file}.corrupt-${new Date(wall()).toISOString().replace(/[-:.]/g, "")}`;
  for (const side of SIDES) if (existsSync(file + side)) renameSync(file + side, to + side);
  prepareFile(file);
  log.error({ file, to, reason }, "! the engine's file is damaged and was moved aside");
}

const EXPLAINED: readonly (readonly [RegExp, string])[] = [
  [/^SQLITE_BUSY/, "another process has it open; stop that one, or give each gateway a file of its own"],
  [
    /^(?:SQLITE_CANTOPEN|SQLITE_READONLY|SQLITE_PERM|EACCES|EPERM|EROFS|ENOENT|ENOTDIR|EISDIR|EEXIST|ELOOP|ENAMETOOLONG)/,
    "this process may not write there; check the path, its rights and its owner",
  ],
];

/** What an owner can mend becomes a text; what remains is the disk. */
function explained(file: string, error: unknown): unknown {
  const code = codeOf(error);
  const known = EXPLAINED.find(([pattern]) => pattern.test(code));
  if (known === undefined) return error;
  return new FairleadError("ENGINE_DOWN", `cannot open ${file} (${code}): ${known[1]}`, { cause: error });
}
