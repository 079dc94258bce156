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
