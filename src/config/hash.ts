/**
 * One short word for all of a config that must be the same on each node of a system: routes, who may come in, and what the engine shares.
 * What belongs to one node (where it listens, its name, its log, what its machine holds) is not in it. Secrets are, but never to be read.
 */
import { createHash } from "node:crypto";
import { isTable } from "./key-path.ts";
import type { Config, RouteOptions } from "./schema.ts";

/** 72 bits: two configs that differ are never taken for the same. */
const HASH_CHARS = 12;

/** The same whatever the order of keys. A callback counts by its text, so another build of the same config may differ. */
export function configHash({ routes, auth, engine }: Config): string {
  const shared = typeof engine === "object" && "redis" in engine ? engine : undefined;
  const same = {
    routes: Object.fromEntries(Object.entries(routes).map(withoutDisk)),
    auth,
    prefix: shared?.prefix,
    lease: shared?.lease,
  };
  return createHash("sha256").update(canonical(same)).digest("base64url").slice(0, HASH_CHARS);
}

/** Where recordings lie is a matter of the machine, and of the worker. */
function withoutDisk([path, route]: [string, RouteOptions]): [string, unknown] {
  return [path, "record" in route ? { ...route, record: undefined } : route];
}

/** Unlike JSON it has one text for one value, and one for a function too. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isTable(value))
    return typeof value === "function" ? canonical(String(value)) : (JSON.stringify(value) ?? "null");
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  const sorted = entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(",")}}`;
}
