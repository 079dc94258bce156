/**
 * Names and who holds them, each one step. In `:c` a name has `TAG ID FENCE HOLDER`; ID is the node's own number for the claim.
 * `freed`: the highest fence whose claim ended in this generation. A claim with a lower one cannot know whether somebody had the name since.
 */
import { defineScript } from "../script.ts";
import { COMMON, STALE, sweepScript } from "../tenure/lua.ts";

const ENTRIES = `
local claims = at .. ':c'
local function parse(entry) return string.match(entry, '^(%S+) (%S+) (%S+) (.*)$') end
local function put(name, id, fence, holder)
  redis.call('HSET', claims, name, tag .. ' ' .. id .. ' ' .. fence .. ' ' .. holder)
  redis.call('SADD', entriesOf(tag), name)
end
local function raise(field, fence)
  if tonumber(fence) > tonumber(redis.call('HGET', counters, field) or 0) then
    redis.call('HSET', counters, field, fence)
  end
end
local function drop(name, t, fence)
  redis.call('HDEL', claims, name)
  redis.call('SREM', entriesOf(t), name)
  raise('freed', fence)
end
`;

/**
 * ARGV: name, id, holder, "1" for takeOver, lease. Answers the fence; or "taken" and the holder; or STALE.
 * Who loses it is told on its node's channel. In the first lease of a generation all nodes are told: one of them may hold the name since
 * before, and not have registered it yet.
 */
export const CLAIM = defineScript(`${COMMON}${ENTRIES}
if not isHere(tag) then return { '${STALE}' } end
local name, id, holder, takes, lease = ARGV[4], ARGV[5], ARGV[6], ARGV[7] == '1', tonumber(ARGV[8])
local entry = redis.call('HGET', claims, name)
if entry then
  local t, i, _, h = parse(entry)
  if isAlive(t) then
    if not takes then return { 'taken', h } end
    redis.call('PUBLISH', home .. ':lost:' .. nodeOf(t), cjson.encode({ name, i }))
  else
    finish(t)
  end
  redis.call('SREM', entriesOf(t), name)
end
local last = tonumber(redis.call('HGET', counters, 'fence') or 0)
local fence = string.format('%.0f', math.max(last + 1, micros))
redis.call('HSET', counters, 'fence', fence)
put(name, id, fence, holder)
if now - tonumber(redis.call('HGET', counters, 'born') or 0) < lease then
  redis.call('PUBLISH', home .. ':given', cjson.encode({ name, fence }))
end
return { 'given', fence }
`);

/** ARGV: name, id. Only what this node has under this id. */
export const RELEASE = defineScript(`${COMMON}${ENTRIES}
local entry = redis.call('HGET', claims, ARGV[4])
if not entry then return 0 end
local t, id, fence = parse(entry)
if id ~= ARGV[5] or nodeOf(t) ~= nodeOf(tag) then return 0 end
drop(ARGV[4], t, fence)
return 1
`);

/** ARGV: name, id, fence, holder, and so on. Answers "kept", "taken" or "expired" for each; or STALE. */
export const REGISTER = defineScript(`${COMMON}${ENTRIES}
if not isHere(tag) then return { '${STALE}' } end
local answers = {}
for i = 4, #ARGV, 4 do
  local name, id, fence, holder = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local entry = redis.call('HGET', claims, name)
  local t, known
  if entry then t, known = parse(entry) end
  local answer = 'kept'
  if t and known == id and nodeOf(t) == nodeOf(tag) then
    redis.call('SREM', entriesOf(t), name)
  elseif t and isAlive(t) then
    answer = 'taken'
  elseif t or tonumber(fence) <= tonumber(redis.call('HGET', counters, 'freed') or 0) then
    answer = 'expired'
  end
  if answer == 'kept' then
    put(name, id, fence, holder)
    raise('fence', fence)
  end
  answers[#answers + 1] = answer
end
return answers
`);

export const SWEEP_CLAIMS = sweepScript(
  `${ENTRIES}
local function publish() end
local function remove(ended, name)
  local entry = redis.call('HGET', claims, name)
  if not entry then return end
  local t, _, fence = parse(entry)
  if t == ended then drop(name, t, fence) end
end
`,
  `
local function tidy(old)
  redis.call('UNLINK', old .. ':c')
  return false
end
`,
);
