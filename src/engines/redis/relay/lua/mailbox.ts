/**
 * Lua: what is on its way to a role. Queued, then handed over, then settled, each message exactly once. All receivers acknowledge: for a
 * plain one its node does, once its connection has the message.
 */
export const MAILBOX = `
-- role: the sender's. One whose session has ended has no use for a receipt.
local function settle(role, m, state)
  local session = S[role].s
  if not session or session.i ~= m.s then return end
  redis.call('HSET', key('r', role), m.i, state)
  tell(role, 'r', ',' .. m.q .. ',' .. cjson.encode(m.i) .. ',"' .. state .. '"')
end

local function discount(m) account(m.o, -(m.z + MESSAGE_BYTES)) end

-- role: the receiver's, here and below.
local function drop(role, m, reason)
  count(reason)
  settle(OTHER[role], m, reason == 'expired' and 'expired' or 'dropped')
end

local function canHand(role)
  local seat = S[role]
  if not seat.h then return false end
  if seat.hn == 0 then return true end
  return not isOver(seat.hn + 1, rules.size) and not isOver(seat.hb, rules.bytes)
end

local function tellData(role, m) tell(role, 'd', ',' .. m.q .. ',' .. m.w) end

-- It counts in 'bytes' already.
local function hand(role, m, packed)
  local seat = S[role]
  if seat.h.p and m.b then
    discount(m)
    drop(role, m, 'ignored')
    return
  end
  count('delivered')
  seat.d = m.q
  seat.hn, seat.hb = seat.hn + 1, seat.hb + m.z
  redis.call('RPUSH', key('h', role), packed)
  tellData(role, m)
end

local function isFull(role, m)
  local seat = S[role]
  return isOver(seat.qn + 1, rules.size) or isOver(seat.qb + m.z, rules.bytes) or not fits(m.o, m.z + MESSAGE_BYTES)
end

-- ttl in ms; nil: until somebody comes.
local function enqueue(role, m, ttl)
  local seat = S[role]
  m.t = ttl and now + ttl
  if m.t and (not seat.qd or m.t < seat.qd) then seat.qd = m.t end
  seat.qn, seat.qb = seat.qn + 1, seat.qb + m.z
  account(m.o, m.z + MESSAGE_BYTES)
  redis.call('RPUSH', key('q', role), cmsgpack.pack(m))
end

local function post(role, m, ttl)
  local seat = S[role]
  if seat.qn == 0 and canHand(role) and fits(m.o, m.z + MESSAGE_BYTES) then
    account(m.o, m.z + MESSAGE_BYTES)
    hand(role, m, cmsgpack.pack(m))
  elseif isFull(role, m) then drop(role, m, 'full')
  else enqueue(role, m, ttl) end
end

local function flush(role)
  local seat = S[role]
  while seat.qn > 0 and canHand(role) do
    local packed = redis.call('LPOP', key('q', role))
    local m = cmsgpack.unpack(packed)
    seat.qn, seat.qb = seat.qn - 1, seat.qb - m.z
    if m.t and m.t <= now then discount(m); drop(role, m, 'expired')
    else hand(role, m, packed) end
  end
  if seat.qn == 0 then seat.qd = nil end
end

local function expire(role)
  local seat = S[role]
  if not seat.qd or seat.qd > now then return end
  local kept, first = {}, nil
  for _, packed in ipairs(redis.call('LRANGE', key('q', role), 0, -1)) do
    local m = cmsgpack.unpack(packed)
    if m.t and m.t <= now then
      seat.qn, seat.qb = seat.qn - 1, seat.qb - m.z
      discount(m)
      drop(role, m, 'expired')
    else
      kept[#kept + 1] = packed
      if m.t and (not first or m.t < first) then first = m.t end
    end
  end
  seat.qd = first
  redis.call('DEL', key('q', role))
  for from = 1, #kept, 1000 do
    redis.call('RPUSH', key('q', role), unpack(kept, from, math.min(from + 999, #kept)))
  end
end

local function heldOf(role, first, last)
  local all = redis.call('LRANGE', key('h', role), first, last)
  for index, packed in ipairs(all) do all[index] = cmsgpack.unpack(packed) end
  return all
end

-- The first so many of those held are so no more.
local function forget(role, gone, state)
  local seat = S[role]
  if #gone == 0 then return end
  redis.call('LTRIM', key('h', role), #gone, -1)
  for _, m in ipairs(gone) do
    seat.hn, seat.hb = seat.hn - 1, seat.hb - m.z
    discount(m)
    settle(OTHER[role], m, state)
  end
end

-- False: nothing so late was ever handed over.
local function acknowledge(role, upto)
  local seat = S[role]
  if upto > seat.d then return false end
  while seat.hn > 0 and upto > seat.a do
    local some, gone = heldOf(role, 0, math.min(upto - seat.a, 64) - 1), {}
    for _, m in ipairs(some) do
      if m.q <= upto then gone[#gone + 1] = m end
    end
    forget(role, gone, 'delivered')
    if #gone < #some then break end
    seat.a = gone[#gone].q
  end
  seat.a = math.max(seat.a, upto)
  return true
end

local function abandon(role) forget(role, heldOf(role, 0, -1), 'unknown') end

-- Whoever has the role now is handed what nobody acknowledged. A plain one cannot be told bytes.
local function handAgain(role)
  local seat = S[role]
  if seat.hn == 0 then return end
  local all, kept = heldOf(role, 0, -1), {}
  for _, m in ipairs(all) do
    if not (seat.h.p and m.b) then kept[#kept + 1] = m end
  end
  if #kept < #all then
    redis.call('DEL', key('h', role))
    seat.hn, seat.hb = 0, 0
    for _, m in ipairs(all) do
      if seat.h.p and m.b then discount(m); settle(OTHER[role], m, 'unknown')
      else
        seat.hn, seat.hb = seat.hn + 1, seat.hb + m.z
        redis.call('RPUSH', key('h', role), cmsgpack.pack(m))
      end
    end
  end
  for _, m in ipairs(kept) do tellData(role, m) end
end

-- All receipts up to a seq have come. What has no receipt cannot have come.
local function release(role, done)
  if not done or done == 0 then return end
  local order, states = key('o', role), key('r', role)
  local known = redis.call('ZRANGEBYSCORE', order, '-inf', done)
  for _, idem in ipairs(known) do
    if redis.call('HDEL', states, idem) == 1 then redis.call('ZREM', order, idem) end
  end
end
`;
