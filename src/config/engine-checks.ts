/** What is well-typed and no engine: names that SQLite keeps as no file, addresses that lead to no Redis, periods that are none. */
import { type KeyPath, valueAt } from "./key-path.ts";
import type { Problem } from "./problems.ts";
import { parseDuration } from "./units.ts";

export function engineProblems(input: unknown): Problem[] {
  const engine = valueAt(input, ["engine"]);
  return [
    ...fileProblems(valueAt(engine, ["sqlite"])),
    ...redisProblems(valueAt(engine, ["redis"])),
    ...modeProblems(engine),
    ...placeProblems(engine),
    ...["timeout", "lease"].flatMap((name) => periodProblems(["engine", name], valueAt(engine, [name]))),
    ...advertiseProblems(valueAt(input, ["advertise"])),
  ];
}

/** SQLite has names for what is no file. */
function fileProblems(received: unknown): Problem[] {
  if (typeof received !== "string" || !/^(?::memory:$|file:)/.test(received)) return [];
  const hint = received === ":memory:" ? " Name a file, or write engine: memory." : " Give the path alone.";
  return [{ path: ["engine", "sqlite"], text: "expected the path of a file", received, hint }];
}

/** The value is a secret: it may hold a password. */
function redisProblems(received: unknown): Problem[] {
  const isList = Array.isArray(received);
  return (isList ? received : [received]).flatMap((one, index) => {
    if (typeof one !== "string" || isRedisUrl(one)) return [];
    const hint =
      " Like redis://127.0.0.1:6379, rediss://user:password@redis.example.com:6379/0 or unix:///run/redis.sock.";
    const path: KeyPath = isList ? ["engine", "redis", index] : ["engine", "redis"];
    return [{ path, text: "expected the URL of a Redis", received: one, hint, secret: true as const }];
  });
}

function isRedisUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null) return false;
  if (url.protocol === "unix:") return url.pathname.length > 1;
  return /^rediss?:$/.test(url.protocol) && url.hostname !== "" && /^(?:\/\d*)?$/.test(url.pathname);
}

function modeProblems(engine: unknown): Problem[] {
  const sentinel = valueAt(engine, ["sentinel"]);
  if (sentinel === undefined || valueAt(engine, ["cluster"]) !== true) return [];
  const text = "cannot stand beside engine.cluster";
  return [
    {
      path: ["engine", "sentinel"],
      text,
      received: sentinel,
      hint: " A Cluster fails over by itself: leave it out.",
    },
  ];
}

/** Which of its databases, and by which way: a Cluster has one, and neither it nor Sentinels are found by a path. */
function placeProblems(engine: unknown): Problem[] {
  const mode = valueAt(engine, ["cluster"]) === true ? "cluster" : "sentinel";
  if (mode === "sentinel" && valueAt(engine, ["sentinel"]) === undefined) return [];
  const received = valueAt(engine, ["redis"]);
  return [received].flat().flatMap((one, index) => {
    const url = typeof one === "string" && isRedisUrl(one) ? URL.parse(one) : null;
    const path: KeyPath = Array.isArray(received) ? ["engine", "redis", index] : ["engine", "redis"];
    const problem = { path, received: one, secret: true as const };
    if (url?.protocol === "unix:")
      return [{ ...problem, text: `cannot be a socket beside engine.${mode}`, hint: " Name host and port." }];
    if (mode === "sentinel" || url === null || /^\/?0*$/.test(url.pathname)) return [];
    return [
      { ...problem, text: "names a database beside engine.cluster", hint: " A Cluster has database 0 only." },
    ];
  });
}

function periodProblems(path: KeyPath, received: unknown): Problem[] {
  if (typeof received !== "string" && typeof received !== "number") return [];
  if (parseDuration(received) !== 0) return [];
  return [
    {
      path,
      text: "expected more than 0",
      received,
      hint: " Without it nobody would notice that Redis or a node is gone.",
    },
  ];
}

/** Clients are sent there as it stands: no path, because each route has its own. */
function advertiseProblems(received: unknown): Problem[] {
  if (typeof received !== "string") return [];
  const url = URL.parse(received);
  const isFine =
    url !== null &&
    /^wss?:$/.test(url.protocol) &&
    url.pathname === "/" &&
    url.search + url.hash + url.username === "";
  if (isFine && Buffer.byteLength(received) <= 100) return [];
  const hint = " Like wss://node-1.example.com or ws://10.0.0.7:8080, at most 100 bytes, without a path.";
  return [{ path: ["advertise"], text: "expected the address of this node", received, hint }];
}
