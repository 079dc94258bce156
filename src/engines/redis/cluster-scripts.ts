/**
 * The registry of nodes in Redis: one hash, an entry for each node: `SEEN JSON`, and the generation under which it was begun. What is left
 * of an older one is thrown away, so a restart of Redis brings back nobody. Entries of a version that says less are read as far as they go.
 */
import type { ClusterNode, NodeReport } from "../../cluster.ts";
import type { Look } from "./cluster-view.ts";
import { defineScript } from "./script.ts";

/** The time is that of Redis, as text, so that no node's clock can make others look dead. */
const BEGIN = `
local nodes, now = KEYS[2], ARGV[2]
if now == '0' then
  local time = redis.call('TIME')
  now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
end
if redis.call('HGET', nodes, 'gen') ~= gen then
  redis.call('DEL', nodes)
  redis.call('HSET', nodes, 'gen', gen)
end
`;

/**
 * KEYS: nodes. ARGV: time (`Homes.stamp`), those seen until then go, id and entry of the caller ("": it only looks). Answers gen, the time,
 * and all entries.
 */
export const LOOK = defineScript(`${BEGIN}
if ARGV[4] ~= '' then redis.call('HSET', nodes, ARGV[4], now .. ' ' .. ARGV[5]) end
local all = redis.call('HGETALL', nodes)
local told = { gen, now }
for i = 1, #all, 2 do
  if all[i] ~= 'gen' then
    local seen = tonumber(string.match(all[i + 1], '^%d+')) or 0
    if seen <= tonumber(ARGV[3]) then redis.call('HDEL', nodes, all[i])
    else
      told[#told + 1] = all[i]
      told[#told + 1] = all[i + 1]
    end
  end
end
return told
`);

/** KEYS: nodes. ARGV: time, id. Answers gen, the time, and what it has of that node. */
export const FIND = defineScript(`${BEGIN}
return { gen, now, ARGV[3], redis.call('HGET', nodes, ARGV[3]) or '' }
`);

/** KEYS: nodes. ARGV: id, channel, goodbye. */
export const LEAVE = defineScript(`
redis.call('HDEL', KEYS[2], ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
`);

/** Of an answer to LOOK or FIND. What cannot be read is left out: it is of another version. */
export function lookOf(answer: unknown): Look {
  const [gen = "", now, ...rest] = Array.isArray(answer) ? answer.map(String) : [];
  const nodes: ClusterNode[] = [];
  for (let at = 0; at + 1 < rest.length; at += 2) {
    const node = nodeOf(rest[at] ?? "", rest[at + 1] ?? "");
    if (node !== undefined) nodes.push(node);
  }
  return { gen, now: Number(now), nodes };
}

export const entryOf = (report: NodeReport, startedAt: number): string =>
  JSON.stringify({ ...report, startedAt });

function nodeOf(id: string, entry: string): ClusterNode | undefined {
  const space = entry.indexOf(" ");
  const said = parsed(entry.slice(space + 1));
  if (space < 1 || typeof said !== "object" || said === null) return undefined;
  const { name, advertise, version, config, startedAt, load } = said as Readonly<Record<string, unknown>>;
  return {
    id,
    name: textOf(name) ?? id,
    advertise: textOf(advertise),
    version: textOf(version) ?? "",
    config: textOf(config) ?? "",
    load: loadOf(load),
    startedAt: typeof startedAt === "number" ? startedAt : 0,
    seenAt: Number(entry.slice(0, space)),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const textOf = (value: unknown) => (typeof value === "string" ? value : undefined);

function loadOf(value: unknown): Readonly<Record<string, number>> {
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(entries.filter(([, number]) => typeof number === "number"));
}
