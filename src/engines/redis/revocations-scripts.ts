/**
 * Revocations in Redis: one hash, a field for each user (`u`) and token (`t`) with `UNTIL EXPIRES`, and a number that grows with each change, by
 * which a node knows that it has missed one. Times are unix milliseconds; an end of 0 is none. An entry never gets weaker, so writing one
 * again does no harm, and data of an older generation counts: a revocation is never taken back.
 */
import type { Revocation } from "../../identity.ts";
import type { SharedRevocation } from "../../shared-revocations.ts";
import { defineScript } from "./script.ts";
import type { Arg } from "./server.ts";

/** KEYS: all, version. Answers what says that nothing was missed. */
export const VERSION = defineScript(`
return gen .. '.' .. (redis.call('GET', KEYS[3]) or '0')
`);

/**
 * KEYS: all, version. ARGV: now, max, channel, then name, until and end of each. Answers how many had no room.
 * Tells on the channel the versions before and after, and all of them.
 */
export const ADD = defineScript(`
local all, count = KEYS[2], KEYS[3]
local now, max = tonumber(ARGV[2]), tonumber(ARGV[3])
local swept = false
local function full()
  if redis.call('HLEN', all) < max then return false end
  if not swept then
    swept = true
    local old = redis.call('HGETALL', all)
    for i = 1, #old, 2 do
      local expires = tonumber(string.match(old[i + 1], ' (%d+)$'))
      if expires ~= 0 and expires <= now then redis.call('HDEL', all, old[i]) end
    end
  end
  return redis.call('HLEN', all) >= max
end
local function later(a, b)
  if tonumber(a) == 0 or tonumber(b) == 0 then return '0' end
  return tonumber(a) > tonumber(b) and a or b
end
local changed, refused, said = false, 0, {}
for i = 5, #ARGV, 3 do
  local name, till, expires = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local known = redis.call('HGET', all, name)
  if known then
    local was, ended = string.match(known, '^(%d+) (%d+)$')
    if tonumber(was) > tonumber(till) then till = was end
    expires = later(expires, ended)
  end
  local entry = till .. ' ' .. expires
  if entry ~= known then
    if not known and full() then refused = refused + 1
    else
      redis.call('HSET', all, name, entry)
      changed = true
    end
  end
  said[#said + 1] = entry .. ' ' .. name
end
if changed then
  local after = redis.call('INCR', count)
  local told = gen .. '.' .. (after - 1) .. ' ' .. gen .. '.' .. after
  redis.call('PUBLISH', ARGV[4], told .. '\\n' .. table.concat(said, '\\n'))
end
return refused
`);

/** In one call: a script holds up all others. */
export const BATCH = 200;

export function argsOf(several: readonly SharedRevocation[], now: number): Arg[] {
  return several.flatMap(({ what, until, left }) => [
    nameOf(what),
    Math.floor(until),
    left === Number.POSITIVE_INFINITY ? 0 : Math.ceil(now + left),
  ]);
}

/** As JSON: whatever stands in it, it is one line, and comes back as it was. */
const nameOf = (what: Revocation): string =>
  "user" in what ? `u${JSON.stringify(what.user)}` : `t${JSON.stringify(what.tokenId)}`;

/** Undefined: it is none, or of another version. */
export function revocationOf(name: string, entry: string, now: number): SharedRevocation | undefined {
  const [, until, expires] = /^(\d+) (\d+)$/.exec(entry) ?? [];
  const what = whatOf(name);
  if (what === undefined || until === undefined) return undefined;
  const left = Number(expires) === 0 ? Number.POSITIVE_INFINITY : Number(expires) - now;
  return { what, until: Number(until), left };
}

function whatOf(name: string): Revocation | undefined {
  try {
    const id: unknown = JSON.parse(name.slice(1));
    if (typeof id !== "string") return undefined;
    if (name.startsWith("u")) return { user: id };
    return name.startsWith("t") ? { tokenId: id } : undefined;
  } catch {
    return undefined;
  }
}

export interface Told {
  /** Versions before and after it. */
  readonly before: string;
  readonly after: string;
  readonly revocations: readonly SharedRevocation[];
}

/** What ADD tells. */
export function toldOf(text: string, now: number): Told {
  const [head = "", ...lines] = text.split("\n");
  const [before = "", after = ""] = head.split(" ");
  const revocations = lines.flatMap((line) => {
    const [, entry = "", name = ""] = /^(\d+ \d+) (.+)$/.exec(line) ?? [];
    return revocationOf(name, entry, now) ?? [];
  });
  return { before, after, revocations };
}
