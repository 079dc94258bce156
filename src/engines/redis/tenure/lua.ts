/**
 * What the scripts of claims and presence share: who has entries in a home, and until when. ARGV[2] is the time (`Homes.stamp`), ARGV[3] the
 * caller's tag. An entry carries the tag of its node and is there while that tag is; so one field renews all that a node has in a home.
 *
 * Keys, each after `home:GENERATION`, so nothing of another generation is seen:
 * `:n` tag -> time it ends; `:d` tags that ended and still have entries; `:e:TAG` its entries; `:x` counters of the home.
 * `home:old`: generations whose keys are still to be removed.
 */
import { defineScript } from "../script.ts";

/** An answer: the caller's tag has ended. Nothing was changed. */
export const STALE = "STALE";
/** Entries that one script looks at: some two milliseconds at most, in which nobody else is served. */
export const ENTRIES_PER_CALL = 100;

export const COMMON = `
local at = home .. ':' .. gen
local nodes, dead, counters = at .. ':n', at .. ':d', at .. ':x'
local now, micros = tonumber(ARGV[2]), 0
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
  micros = time[1] * 1000000 + time[2]
else
  micros = now * 1000
end
local tag = ARGV[3]
local function entriesOf(t) return at .. ':e:' .. t end
local function nodeOf(t) return string.match(t, '^[^.]*') end
local function isHere(t) return redis.call('HEXISTS', nodes, t) == 1 end
local function isAlive(t)
  local ends = redis.call('HGET', nodes, t)
  return ends and tonumber(ends) > now
end
local function finish(t)
  if redis.call('HDEL', nodes, t) == 1 then redis.call('SADD', dead, t) end
end
`;

/** ARGV: lease. The tag is here from now on. */
export const ENTER = defineScript(`${COMMON}
local known = redis.call('HGET', home, 'tenure')
if known ~= gen then
  if known then redis.call('SADD', home .. ':old', known) end
  redis.call('HSET', home, 'tenure', gen)
  redis.call('HSET', counters, 'born', now)
end
redis.call('HSET', nodes, tag, now + ARGV[4])
return 1
`);

/** ARGV: lease. Ends those whose time is over, too. Answers STALE, or whether there is something to sweep. */
export const RENEW = defineScript(`${COMMON}
if not isHere(tag) then return '${STALE}' end
redis.call('HSET', nodes, tag, now + ARGV[4])
local all = redis.call('HGETALL', nodes)
for i = 1, #all, 2 do
  if tonumber(all[i + 1]) <= now then finish(all[i]) end
end
return redis.call('EXISTS', dead, home .. ':old')
`);

/** ARGV: tags that end now, all of the caller's node. */
export const END = defineScript(`${COMMON}
for i = 4, #ARGV do finish(ARGV[i]) end
return 1
`);

/**
 * A script that removes what ended tags have left, and keys of old generations; answers whether it has to run again.
 * `remove`: Lua that defines `remove(tag, entry)` and `publish()`, which ends it; `tidy`: Lua that defines `tidy(old)`, which answers whether there is more.
 */
export const sweepScript = (remove: string, tidy: string) =>
  defineScript(`${COMMON}${remove}${tidy}
local ended = redis.call('SRANDMEMBER', dead)
if ended then
  local entries = redis.call('SPOP', entriesOf(ended), ${ENTRIES_PER_CALL})
  for _, entry in ipairs(entries) do remove(ended, entry) end
  if #entries < ${ENTRIES_PER_CALL} then redis.call('SREM', dead, ended) end
  publish()
else
  local past = redis.call('SRANDMEMBER', home .. ':old')
  if past then
    local old = home .. ':' .. past
    if not tidy(old) then
      for _, list in ipairs({ redis.call('HKEYS', old .. ':n'), redis.call('SMEMBERS', old .. ':d') }) do
        for _, t in ipairs(list) do redis.call('UNLINK', old .. ':e:' .. t) end
      end
      redis.call('UNLINK', old .. ':n', old .. ':d', old .. ':x')
      redis.call('SREM', home .. ':old', past)
    end
  end
end
return redis.call('EXISTS', dead, home .. ':old')
`);
