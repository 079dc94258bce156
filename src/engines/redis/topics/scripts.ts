/**
 * The scripts about topics. A home of topics holds, beside its generation:
 *   `base` tgen, unused, held, born, floor: the generation all this belongs to; the epoch in which topics begin that have no message yet;
 *   what the histories take (topics/history.ts); since when, and after which forgotten one, idems are known
 *   `base:heads` topic -> gen epoch offset sum cost until: where it stands, all bytes ever published, what its history takes, and until
 *   when somebody listens to it
 *   `base:l:TOPIC` a stream, OFFSET-0 -> t time, z bytes, s sum, m body
 *   `base:idem` key -> time epoch offset, `base:idems` the keys in order
 * Entries of a stream follow one another without a hole, so the place of each is known.
 */
import { IDEM_MARGIN_MS, IDEM_MAX, IDEM_TTL_MS } from "../../../engine.ts";
import { MESSAGE_BYTES, TOPIC_BYTES } from "../../../topics/history.ts";
import { defineScript } from "../script.ts";
import { HEAD_BYTES } from "./body.ts";

/** Entries that one call takes out of a history at most: what is left goes with the next one. */
const MAX_EVICTED = 1_000;
const SWEEP_COUNT = 100;
const SCAN_COUNT = 500;
const PAGE_COUNT = 32;

/** ARGV: 2 now, 3 a fresh epoch. What belongs to another generation is not there. */
const STATE = `
local heads = home .. ':heads'
local now, fresh = tonumber(ARGV[2]), ARGV[3]
local state = redis.call('HMGET', home, 'tgen', 'unused', 'held', 'born', 'floor')
if state[1] ~= gen then
  state = { gen, fresh, 0, now, 0 }
  -- First: should it fail, nothing has begun yet.
  redis.call('DEL', home .. ':idem', home .. ':idems')
  redis.call('HSET', home, 'tgen', gen, 'unused', fresh, 'held', 0, 'born', ARGV[2], 'floor', 0)
end
local unused = state[2]
local function int(n) return string.format('%.0f', n) end
local function id(offset) return string.format('%.0f-0', offset) end
local function logOf(topic) return home .. ':l:' .. topic end
local function unpackHead(packed)
  local g, e, o, s, k, u = string.match(packed, '^(%S+) (%S+) (%d+) (%d+) (%d+) (%d+)$')
  if g ~= gen then return nil end
  return { e = e, o = tonumber(o), s = tonumber(s), k = tonumber(k), u = tonumber(u) }
end
local function headOf(topic)
  local packed = redis.call('HGET', heads, topic)
  if not packed then return nil end
  local head = unpackHead(packed)
  if not head then redis.call('DEL', logOf(topic)) end
  return head
end
local function keep(topic, head)
  redis.call('HSET', heads, topic, gen .. ' ' .. head.e .. ' ' .. int(head.o) .. ' ' .. int(head.s) .. ' ' .. int(head.k) .. ' ' .. int(head.u))
end
local function entry(raw)
  local f = raw[2]
  return { o = tonumber(string.match(raw[1], '^%d+')), t = tonumber(f[2]), z = tonumber(f[4]), s = tonumber(f[6]), m = f[8] }
end
local function oldest(log)
  local raw = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  return raw and entry(raw)
end
-- A history without its oldest, as far as they are past a bound; answers what is then the oldest.
local function evict(log, head, ttl, bytes)
  local first = oldest(log)
  for _ = 1, ${MAX_EVICTED} do
    if not first then break end
    local isPast = (ttl > 0 and now - first.t >= ttl) or (bytes > 0 and head.s - first.s + first.z > bytes)
    if not isPast then break end
    redis.call('XTRIM', log, 'MINID', '=', id(first.o + 1))
    first = oldest(log)
  end
  return first
end
local function cost(head, first)
  if not first then return 0 end
  return ${TOPIC_BYTES} + (head.o - first.o + 1) * ${MESSAGE_BYTES} + head.s - first.s + first.z
end
`;

/**
 * KEYS: home, heads, log, idem, idems. ARGV: now, fresh, size, ttl, bytes, total, topic, its channel, the channel of new topics, how many
 * messages; their bodies; then of those with an idem its place among them, the key, its age or "". Answers the epoch; then for each message its offset, or `epoch offset` where
 * it is known already, or "" for `gone`.
 */
export const PUBLISH = defineScript(`${STATE}
local log, idem, idems = KEYS[3], KEYS[4], KEYS[5]
local size, ttl, bytes, total = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local topic = ARGV[8]
local head = headOf(topic) or { e = unused, o = 0, s = 0, k = 0, u = 0 }
local before = head.o
local since = math.max(tonumber(state[4]), tonumber(state[5]))

-- The position under which it was published, "" when that may have been forgotten, nothing when it is new.
local function known(key, age)
  local found = redis.call('HGET', idem, key)
  if found then
    local at, position = string.match(found, '^(%d+) (.*)$')
    if now - tonumber(at) < ${IDEM_TTL_MS} then return position end
  end
  if age ~= '' and now - tonumber(age) - ${IDEM_MARGIN_MS} <= math.max(since, now - ${IDEM_TTL_MS}) then return '' end
end

local function remember(key)
  redis.call('HSET', idem, key, int(now) .. ' ' .. head.e .. ' ' .. int(head.o))
  local count = redis.call('RPUSH', idems, key)
  for _ = 1, ${MAX_EVICTED} do
    local first = redis.call('LINDEX', idems, 0)
    local at = tonumber(string.match(redis.call('HGET', idem, first) or '0', '^%d+'))
    if count <= ${IDEM_MAX} and now - at < ${IDEM_TTL_MS} then break end
    redis.call('LPOP', idems)
    redis.call('HDEL', idem, first)
    count = count - 1
    if now - at < ${IDEM_TTL_MS} then
      since = math.max(since, at)
      redis.call('HSET', home, 'floor', int(since))
    end
  end
end

-- Few arguments: each costs who calls more than it costs here.
local count, keys, ages = tonumber(ARGV[11]), {}, {}
for i = 12 + count, #ARGV, 3 do
  local place = tonumber(ARGV[i])
  keys[place], ages[place] = ARGV[i + 1], ARGV[i + 2]
end

local answers, bodies = { head.e }, {}
for place = 1, count do
  local key, body = keys[place], ARGV[11 + place]
  local answer = key and known(key, ages[place])
  if not answer then
    local whole, _, k, c, u = struct.unpack('>I4BI2I2I2', body)
    local z = whole - ${HEAD_BYTES} - k - c - u
    head.o = head.o + 1
    head.s = head.s + z
    redis.call('XADD', log, 'MAXLEN', '=', size, id(head.o), 't', ARGV[2], 'z', z, 's', int(head.s), 'm', body)
    bodies[#bodies + 1] = body
    if key then remember(key) end
    answer = head.o
  end
  answers[#answers + 1] = answer
end
if #bodies == 0 then return answers end

local first = evict(log, head, ttl, bytes)
local taken, held = cost(head, first), tonumber(state[3])
while total > 0 and held - head.k + taken > total and taken > head.k do
  redis.call('XTRIM', log, 'MINID', '=', id(first.o + 1))
  first = oldest(log)
  taken = cost(head, first)
end
if taken ~= head.k then redis.call('HINCRBY', home, 'held', int(taken - head.k)) end
head.k = taken
keep(topic, head)
if before == 0 then redis.call('PUBLISH', ARGV[10], head.e .. ' ' .. topic) end
redis.call('PUBLISH', ARGV[9], head.e .. ' ' .. int(before + 1) .. ' ' .. ARGV[2] .. '\\n' .. table.concat(bodies))
return answers
`);

/**
 * KEYS: home, heads. ARGV: now, fresh, until when the caller listens, topics. Answers epoch and offset of each. A topic that nobody
 * published to is written down, so that it begins in the epoch that its listeners know.
 */
export const LOOK = defineScript(`${STATE}
local till = tonumber(ARGV[4])
local answers = {}
for i = 5, #ARGV do
  local head = headOf(ARGV[i])
  -- Not each time: it is a write, and there are nodes and topics.
  if not head or head.u - now < (till - now) / 2 then
    head = head or { e = unused, o = 0, s = 0, k = 0 }
    head.u = till
    keep(ARGV[i], head)
  end
  answers[#answers + 1] = head.e
  answers[#answers + 1] = head.o
end
return answers
`);

/**
 * KEYS: home, heads, log. ARGV: now, fresh, topic, size, ttl, bytes, "after" or "before" or "rest", an offset, limit, bytes of a page. "rest" is
 * "after" among all that is there, for holes, whatever the history's bounds say. Answers epoch, offset, the oldest in its bounds, and
 * offset, time and body of each message; those "before" come newest first.
 */
export const PAGE = defineScript(`${STATE}
local log, topic = KEYS[3], ARGV[4]
local size, ttl, bytes = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local mode, offset, limit, room = ARGV[8], tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local head = headOf(topic)
if not head then return { unused, 0, 1 } end

local function isHeld(e)
  return e.o > head.o - size and (ttl == 0 or now - e.t < ttl) and (bytes == 0 or head.s - e.s + e.z <= bytes)
end
local function firstHeld()
  local first = oldest(log)
  if not first or (mode ~= 'rest' and size == 0) then return head.o + 1 end
  if mode == 'rest' or isHeld(first) then return first.o end
  local low, high = first.o + 1, head.o + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    local raw = redis.call('XRANGE', log, id(middle), id(middle))[1]
    if raw and isHeld(entry(raw)) then high = middle else low = middle + 1 end
  end
  return low
end

local first = firstHeld()
local answers = { head.e, head.o, first }
local count, sum = 0, 0
local from, to = math.max(offset + 1, first), head.o
if mode == 'before' then from, to = first, math.min(offset - 1, head.o) end
while from <= to and count < limit and sum <= room do
  local most = math.min(${PAGE_COUNT}, limit - count)
  local rows
  if mode == 'before' then rows = redis.call('XREVRANGE', log, id(to), id(from), 'COUNT', most)
  else rows = redis.call('XRANGE', log, id(from), id(to), 'COUNT', most) end
  if #rows == 0 then break end
  for _, raw in ipairs(rows) do
    local e = entry(raw)
    count = count + 1
    sum = sum + e.z
    answers[#answers + 1] = e.o
    answers[#answers + 1] = e.t
    answers[#answers + 1] = e.m
    if mode == 'before' then to = e.o - 1 else from = e.o + 1 end
    if sum > room then break end
  end
end
return answers
`);

/** KEYS: home, heads. ARGV: now, fresh, cursor, a glob of names. Answers the next cursor; then topic, epoch and offset of each that has a message. */
export const SCAN = defineScript(`${STATE}
local found = redis.call('HSCAN', heads, ARGV[4], 'MATCH', ARGV[5], 'COUNT', ${SCAN_COUNT})
local answers = { found[1] }
for i = 1, #found[2], 2 do
  local head = unpackHead(found[2][i + 1])
  if head and head.o > 0 then
    answers[#answers + 1] = found[2][i]
    answers[#answers + 1] = head.e
    answers[#answers + 1] = head.o
  end
end
return answers
`);

/**
 * KEYS: home, heads. ARGV: now, fresh, pause in ms, ttl, bytes. One step of a walk over all topics that nodes share: evicts what is too old, and
 * forgets topics that nobody needs. Answers whether there is more to do at once.
 */
export const SWEEP = defineScript(`${STATE}
local walk = redis.call('HMGET', home, 'cursor', 'rested')
local cursor, rested = walk[1] or '0', tonumber(walk[2] or 0)
if cursor == '0' and rested <= now and now - rested < tonumber(ARGV[4]) then return 0 end
local ttl, bytes = tonumber(ARGV[5]), tonumber(ARGV[6])
local found = redis.call('HSCAN', heads, cursor, 'COUNT', ${SWEEP_COUNT})
local freed, isForgotten = 0, false
for i = 1, #found[2], 2 do
  local topic = found[2][i]
  local head = unpackHead(found[2][i + 1])
  if not head then
    redis.call('DEL', logOf(topic))
    redis.call('HDEL', heads, topic)
  else
    local first = evict(logOf(topic), head, ttl, bytes)
    local taken = cost(head, first)
    freed = freed + head.k - taken
    if not first and head.u <= now and (ttl > 0 or head.o == 0) then
      redis.call('DEL', logOf(topic))
      redis.call('HDEL', heads, topic)
      isForgotten = isForgotten or head.o > 0
    elseif taken ~= head.k then
      head.k = taken
      keep(topic, head)
    end
  end
end
-- Were one to come back in the epoch that it had, old offsets would name new messages.
if isForgotten then redis.call('HSET', home, 'unused', fresh) end
if freed ~= 0 then redis.call('HINCRBY', home, 'held', int(-freed)) end
redis.call('HSET', home, 'cursor', found[1], 'rested', ARGV[2])
return found[1] == '0' and 0 or 1
`);
