/**
 * Lua: a node renews its lease, and does what is due: what waits too long, sessions, news, and peers of nodes whose lease has run out.
 * KEYS: home. ARGV: those of STATE, then 5 how long the lease is in ms; 0: the node goes. Answers JSON: when the next is due, 1 when
 * there is more to do now, what was counted, groups, sessions that are away, queued messages. Bounded: AT_ONCE groups of each kind.
 */
export const SWEEP = `
local AT_ONCE = 50
local isMore = 0
local pulse = tonumber(redis.call('GET', P .. 'pulse') or 0)
local nodes = P .. 'nodes'
redis.call('SET', P .. 'pulse', now)
redis.call('ZADD', nodes, now + tonumber(ARGV[5]), me)

for _, node in ipairs(redis.call('ZRANGEBYSCORE', nodes, '-inf', now, 'LIMIT', 0, 4)) do
  local at = P .. 'at:' .. node
  -- Nobody could renew: each has one more lease to do so.
  if node ~= me and pulse > 0 and pulse + rules.lease <= now then redis.call('ZADD', nodes, now + rules.lease, node)
  else
    for _, group in ipairs(redis.call('SRANDMEMBER', at, AT_ONCE)) do
      load(group)
      lives[node] = false
      for _, role in ipairs(ROLES) do bury(role, node) end
      finish()
      redis.call('SREM', at, group)
    end
    if redis.call('SCARD', at) == 0 then redis.call('ZREM', nodes, node) else isMore = 1 end
  end
end

for _, group in ipairs(redis.call('ZRANGEBYSCORE', P .. 'due', '-inf', now, 'LIMIT', 0, AT_ONCE)) do
  load(group)
  for _, role in ipairs(ROLES) do
    local seat = S[role]
    expire(role)
    if seat.na and seat.na <= now then
      local why = seat.nr
      seat.na, seat.nr = nil, nil
      announce(role, 'offline', why)
    end
    local away = seat.s and seat.s.a
    if away and away > 0 and away <= now then endSession(role, false) end
  end
  finish()
end
relieve()

-- What lost generations left behind.
for _, old in ipairs(redis.call('SMEMBERS', home .. ':gens')) do
  if old ~= gen then
    local base = home .. ':' .. old .. ':'
    local groups = redis.call('SPOP', base .. 'all', AT_ONCE)
    for _, group in ipairs(groups) do
      redis.call('DEL', base .. 'g:' .. group)
      for _, kind in ipairs({ 'q', 'h', 'o', 'r' }) do
        redis.call('DEL', base .. kind .. ':c:' .. group, base .. kind .. ':l:' .. group)
      end
    end
    if #groups == 0 then
      for _, node in ipairs(redis.call('ZRANGE', base .. 'nodes', 0, -1)) do redis.call('DEL', base .. 'at:' .. node) end
      for _, owner in ipairs(redis.call('ZRANGE', base .. 'left', 0, -1)) do redis.call('DEL', base .. 'away:' .. owner) end
      for _, kind in ipairs({ 'due', 'nodes', 'pulse', 'bytes', 'away', 'left', 'receipts', 'queued' }) do redis.call('DEL', base .. kind) end
      redis.call('SREM', home .. ':gens', old)
    else isMore = 1 end
  end
end
local due = nextDue()
if due ~= '0' and tonumber(due) <= now then isMore = 1 end
-- One of the nodes tells how many there are of what belongs to none, so that a sum over nodes is right.
local isTeller = true
for _, node in ipairs(redis.call('ZRANGEBYSCORE', nodes, now, '+inf')) do isTeller = isTeller and me <= node end
local sums = '0,0,0'
if isTeller then
  sums = redis.call('SCARD', P .. 'all') .. ',' .. redis.call('ZCARD', P .. 'away') .. ','
    .. (redis.call('GET', P .. 'queued') or '0')
end
return '[' .. due .. ',' .. isMore .. ',' .. (next(counts) and cjson.encode(counts) or '{}') .. ',' .. sums .. ']'
`;
