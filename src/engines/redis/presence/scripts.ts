/**
 * Members of topics, each change one step that is told in the order in which it happened. Keys beside those of the tenure:
 * `:m:TOPIC` conn -> `TAG SINCE JSON`; `:o:TOPIC` the same conns in the order of `list`; `:s` topic -> number of its last change, while it
 * has members. Changes are numbered over all topics of a home; each names the one before it in its topic, so who missed one knows.
 */
import { defineScript } from "../script.ts";
import { COMMON, ENTRIES_PER_CALL, STALE, sweepScript } from "../tenure/lua.ts";

const MEMBERS = `
local positions = at .. ':s'
local function membersOf(topic) return at .. ':m:' .. topic end
local function orderOf(topic) return at .. ':o:' .. topic end
local function split(value) return string.match(value, '^(%S+) (.*)$') end

local topics, changes, ends = {}, {}, {}
local number
-- The script's own count of what it wrote: asking Redis for each member would take most of its time.
local function note(topic, kind, conn, value, isEmpty)
  number = (number or tonumber(redis.call('HGET', counters, 'seq') or 0)) + 1
  if not changes[topic] then
    topics[#topics + 1] = topic
    changes[topic] = {}
    ends[topic] = tonumber(redis.call('HGET', positions, topic) or 0)
  end
  local position = isEmpty and 0 or number
  table.insert(changes[topic], { ends[topic], position, number, kind, conn, value })
  ends[topic] = position
end
local function publish()
  local told = {}
  if number then redis.call('HSET', counters, 'seq', number) end
  for _, topic in ipairs(topics) do
    if ends[topic] == 0 then redis.call('HDEL', positions, topic)
    else redis.call('HSET', positions, topic, ends[topic]) end
    local payload = cjson.encode({ gen, changes[topic] })
    redis.call('PUBLISH', home .. ':c:' .. topic, payload)
    told[#told + 1] = topic
    told[#told + 1] = payload
  end
  return told
end

local function add(topic, conn, weight, value)
  local members = membersOf(topic)
  if redis.call('HSETNX', members, conn, tag .. ' ' .. value) == 1 then
    redis.call('ZADD', orderOf(topic), weight, conn)
    note(topic, 'join', conn, value, false)
  else
    local t, rest = split(redis.call('HGET', members, conn))
    if t == tag then return end
    redis.call('SREM', entriesOf(t), conn .. '\\0' .. topic)
    redis.call('HSET', members, conn, tag .. ' ' .. rest)
  end
  redis.call('SADD', entriesOf(tag), conn .. '\\0' .. topic)
end
local function drop(topic, conn, owner)
  local known = redis.call('HGET', membersOf(topic), conn)
  if not known then return end
  local t, value = split(known)
  if owner and t ~= owner then return end
  redis.call('HDEL', membersOf(topic), conn)
  redis.call('ZREM', orderOf(topic), conn)
  redis.call('SREM', entriesOf(t), conn .. '\\0' .. topic)
  note(topic, 'leave', conn, value, redis.call('EXISTS', orderOf(topic)) == 0)
end
`;

/**
 * ARGV: "join" or "leave", topic, conn, its weight, value, and so on. A join of one who is there only gives it the caller's tag.
 * Answers what was published: topic, text, and so on; or STALE.
 */
export const CHANGE = defineScript(`${COMMON}${MEMBERS}
if not isHere(tag) then return { '${STALE}' } end
for i = 4, #ARGV, 5 do
  if ARGV[i] == 'join' then add(ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4])
  else drop(ARGV[i + 1], ARGV[i + 2]) end
end
return publish()
`);

/**
 * ARGV: topic, limit, "1" to begin after the conn that follows, with its weight. Answers the generation, the topic's position, the home's
 * last number, how many members there are, how many of them stand before the first of these, and conn, value of each.
 */
export const PAGE = defineScript(`${COMMON}${MEMBERS}
local topic, limit, conn, weight = ARGV[4], tonumber(ARGV[5]), ARGV[7], ARGV[8]
local order, start = orderOf(topic), 0
if ARGV[6] == '1' then
  local rank = redis.call('ZRANK', order, conn)
  if rank then
    start = rank + 1
  else
    -- It has left: where it would stand.
    redis.call('ZADD', order, weight, conn)
    start = redis.call('ZRANK', order, conn)
    redis.call('ZREM', order, conn)
  end
end
local list = {}
if limit > 0 then
  local conns = redis.call('ZRANGE', order, start, start + limit - 1)
  local values = #conns > 0 and redis.call('HMGET', membersOf(topic), unpack(conns)) or {}
  for i, each in ipairs(conns) do
    local _, value = split(values[i])
    list[#list + 1] = each
    list[#list + 1] = value
  end
end
return {
  gen,
  redis.call('HGET', positions, topic) or '0',
  redis.call('HGET', counters, 'seq') or '0',
  redis.call('ZCARD', order),
  start,
  list,
}
`);

/** ARGV: topics. Answers the generation, and the position of each: 0 where nobody is. */
export const POSITIONS = defineScript(`${COMMON}
local answer = { gen }
for i = 4, #ARGV do answer[#answer + 1] = redis.call('HGET', at .. ':s', ARGV[i]) or '0' end
return answer
`);

export const SWEEP_MEMBERS = sweepScript(
  `${MEMBERS}
local function remove(ended, entry)
  local conn, topic = string.match(entry, '^([^%z]*)%z(.*)$')
  drop(topic, conn, ended)
end
`,
  `
local function tidy(old)
  local list = redis.call('HRANDFIELD', old .. ':s', ${ENTRIES_PER_CALL})
  for _, topic in ipairs(list) do
    redis.call('UNLINK', old .. ':m:' .. topic, old .. ':o:' .. topic)
    redis.call('HDEL', old .. ':s', topic)
  end
  return #list > 0
end
`,
);
