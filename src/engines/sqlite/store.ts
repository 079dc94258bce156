/**
 * Every statement of the sqlite engine, and the shape of its tables. Each call may throw what SQLite says.
 * `at` counts the messages of a topic for ever; an offset is `at - base`, so that a new epoch counts from 1 without touching the
 * messages that are kept. `kept` is the time that history goes by; it never runs backwards.
 */
import type { Database, SQLQueryBindings } from "bun:sqlite";
import type { Message, Position } from "../../engine.ts";

export const TABLES = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE routes (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, epoch TEXT NOT NULL) STRICT;
  CREATE TABLE topics (
    id INTEGER PRIMARY KEY, route INTEGER NOT NULL, name TEXT NOT NULL, epoch TEXT NOT NULL, base INTEGER NOT NULL,
    head INTEGER NOT NULL, first INTEGER NOT NULL, bytes INTEGER NOT NULL, last INTEGER NOT NULL, UNIQUE (route, name)
  ) STRICT;
  CREATE TABLE messages (
    topic INTEGER NOT NULL, at INTEGER NOT NULL, time INTEGER NOT NULL, kept INTEGER NOT NULL, size INTEGER NOT NULL,
    json INTEGER NOT NULL, data ANY NOT NULL, key TEXT, conn TEXT, user TEXT, PRIMARY KEY (topic, at)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE idems (
    route INTEGER NOT NULL, nth INTEGER NOT NULL, key TEXT NOT NULL, epoch TEXT NOT NULL, offset INTEGER NOT NULL,
    PRIMARY KEY (route, nth)
  ) STRICT, WITHOUT ROWID;
`;

export interface RouteRow {
  readonly id: number;
  /** Of topics that begin; nobody can hold an offset of it but 0. */
  readonly epoch: string;
}

export interface TopicRow {
  /** 0: not in the file yet. */
  id: number;
  epoch: string;
  base: number;
  /** `at` of the last message. */
  head: number;
  /** `at` of the oldest that is held; `head + 1` when none is. */
  first: number;
  /** Of the messages held. */
  bytes: number;
  /** `kept` of the last message. */
  last: number;
}

export interface MessageRow {
  readonly at: number;
  readonly time: number;
  readonly kept: number;
  readonly size: number;
  readonly json: number;
  readonly data: string | Uint8Array;
  readonly key: string | null;
  readonly conn: string | null;
  readonly user: string | null;
}

export interface IdemRow extends Position {
  readonly nth: number;
  readonly key: string;
}

const MESSAGE = "at, time, kept, size, json, data, key, conn, user";
const TOPIC = "id, epoch, base, head, first, bytes, last";
/** After every name that begins like `prefix`. */
const BEYOND = "\u{10ffff}";

export type Store = ReturnType<typeof createStore>;

export function createStore(db: Database) {
  const statements: { finalize(): void }[] = [];
  const prepare = <Row, Params extends SQLQueryBindings[] = SQLQueryBindings[]>(sql: string) => {
    const statement = db.prepare<Row, Params>(sql);
    statements.push(statement);
    return statement;
  };
  const [begin, commit, rollback] = ["BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"].map((sql) => prepare(sql));

  return {
    ...routeStatements(prepare),
    ...topicStatements(prepare),
    ...messageStatements(prepare),
    /** All of `run` or nothing of it. */
    transaction(run: () => void): void {
      begin?.run();
      try {
        run();
        commit?.run();
      } catch (error) {
        // A full disk may have ended it already.
        if (db.inTransaction) rollback?.run();
        throw error;
      }
    },
    /** SQLite keeps the file, and its lock, until the last statement is gone. */
    close(): void {
      for (const statement of statements) statement.finalize();
      db.close();
    },
  };
}

type Prepare = <Row, Params extends SQLQueryBindings[]>(sql: string) => Statement<Row, Params>;
interface Statement<Row, Params extends SQLQueryBindings[]> {
  run(...params: Params): { lastInsertRowid: number | bigint };
  get(...params: Params): Row | null;
  all(...params: Params): Row[];
  iterate(...params: Params): Iterable<Row>;
}

function routeStatements(prepare: Prepare) {
  const meta = prepare<{ value: string }, [string]>("SELECT value FROM meta WHERE name = ?");
  const setMeta = prepare<never, [string, string]>("INSERT OR REPLACE INTO meta VALUES (?, ?)");
  const addRoute = prepare<never, [string, string]>(
    "INSERT INTO routes (path, epoch) VALUES (?, ?) ON CONFLICT DO NOTHING",
  );
  const route = prepare<RouteRow, [string]>("SELECT id, epoch FROM routes WHERE path = ?");
  const setEpoch = prepare<never, [string, number]>("UPDATE routes SET epoch = ? WHERE id = ?");
  const newEpochs = prepare<never, [string]>("UPDATE topics SET epoch = ?, base = first - 1");
  const newRouteEpochs = prepare<never, [string]>("UPDATE routes SET epoch = ?");
  const addIdem = prepare<never, [number, number, string, string, number]>(
    "INSERT INTO idems VALUES (?, ?, ?, ?, ?)",
  );
  const idems = prepare<IdemRow, [number]>(
    "SELECT nth, key, epoch, offset FROM idems WHERE route = ? ORDER BY nth",
  );
  const dropIdems = prepare<never, [number, number]>("DELETE FROM idems WHERE route = ? AND nth <= ?");
  return {
    meta: (name: string) => meta.get(name)?.value,
    setMeta: (name: string, value: string) => void setMeta.run(name, value),
    route: (path: string) => route.get(path),
    /** Nothing happens if it is there. */
    addRoute: (path: string, epoch: string) => void addRoute.run(path, epoch),
    setRouteEpoch: (id: number, epoch: string) => void setEpoch.run(epoch, id),
    /** Every topic counts from 1 again, beginning with the oldest message that it holds. */
    newEpochs(epoch: string): void {
      newEpochs.run(epoch);
      newRouteEpochs.run(epoch);
    },
    idems: (route: number) => idems.iterate(route),
    addIdem: (route: number, nth: number, key: string, { epoch, offset }: Position) =>
      void addIdem.run(route, nth, key, epoch, offset),
    dropIdems: (route: number, upTo: number) => void dropIdems.run(route, upTo),
  };
}

function topicStatements(prepare: Prepare) {
  const topic = prepare<TopicRow, [number, string]>(
    `SELECT ${TOPIC} FROM topics WHERE route = ? AND name = ?`,
  );
  const add = prepare<never, [number, string, string, number]>(
    "INSERT INTO topics (route, name, epoch, base, head, first, bytes, last) VALUES (?, ?, ?, 0, 0, 1, 0, ?)",
  );
  const save = prepare<never, number[]>(
    "UPDATE topics SET head = ?, first = ?, bytes = ?, last = ? WHERE id = ?",
  );
  const drop = prepare<never, [number]>("DELETE FROM topics WHERE id = ?");
  const like = prepare<Position & { topic: string }, [number, string, string]>(
    "SELECT name AS topic, epoch, head - base AS offset FROM topics WHERE route = ? AND name >= ? AND name < ?",
  );
  // The + keeps SQLite from the index by name, where each step would sort all that is left.
  const some = prepare<TopicRow & { name: string }, [number, number, number]>(
    `SELECT ${TOPIC}, name FROM topics WHERE id > ? AND +route = ? ORDER BY id LIMIT ?`,
  );
  const sums = prepare<{ topics: number; messages: number; bytes: number }, [number]>(
    `SELECT count(*) AS topics, coalesce(sum(head - first + 1), 0) AS messages, coalesce(sum(bytes), 0) AS bytes
    FROM topics WHERE route = ? AND first <= head`,
  );
  const newest = prepare<{ last: number | null }, []>("SELECT max(last) AS last FROM topics");
  return {
    topic: (route: number, name: string) => topic.get(route, name),
    addTopic: (route: number, name: string, epoch: string, last: number) =>
      Number(add.run(route, name, epoch, last).lastInsertRowid),
    saveTopic: ({ head, first, bytes, last, id }: TopicRow) => void save.run(head, first, bytes, last, id),
    dropTopic: (id: number) => void drop.run(id),
    topicsLike: (route: number, prefix: string) => like.iterate(route, prefix, prefix + BEYOND),
    topicsAfter: (route: number, id: number, limit: number) => some.all(id, route, limit),
    /** What the route's topics hold. */
    sums: (route: number) => sums.get(route) ?? { topics: 0, messages: 0, bytes: 0 },
    /** `kept` of the newest message there ever was; 0 when none. */
    newest: () => newest.get()?.last ?? 0,
  };
}

function messageStatements(prepare: Prepare) {
  const add = prepare<never, SQLQueryBindings[]>(
    "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
  );
  const up = prepare<MessageRow, number[]>(
    `SELECT ${MESSAGE} FROM messages WHERE topic = ? AND at >= ? AND at <= ? ORDER BY at`,
  );
  const down = prepare<MessageRow, number[]>(
    `SELECT ${MESSAGE} FROM messages WHERE topic = ? AND at >= ? AND at <= ? ORDER BY at DESC`,
  );
  const sizes = prepare<Pick<MessageRow, "at" | "size" | "kept">, number[]>(
    "SELECT at, size, kept FROM messages WHERE topic = ? AND at >= ? ORDER BY at",
  );
  const drop = prepare<never, number[]>("DELETE FROM messages WHERE topic = ? AND at < ?");
  return {
    addMessage(topic: number, at: number, kept: number, message: Message): void {
      const { time, size, json, data, key = null, conn = null, user = null } = message;
      add.run(topic, at, time, kept, size, json ? 1 : 0, data, key, conn, user);
    },
    /** Between `first` and `last`, both included; downwards from `last` with `step` -1. */
    messages: (topic: number, first: number, last: number, step: 1 | -1) =>
      (step === 1 ? up : down).iterate(topic, first, last),
    sizes: (topic: number, first: number) => sizes.iterate(topic, first),
    /** Those before `first`. */
    dropMessages: (topic: number, first: number) => void drop.run(topic, first),
  };
}
