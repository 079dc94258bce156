/** Lua: who holds a role, the third peer, standbys, sessions that go on, wait and end, and what the partner is told of it. */
export const ROLES = `
local MAX_STANDBY = 16
local MAX_RECEIPTS = 262144

local function unpark(role)
  local session = S[role].s
  if not session or not session.a then return end
  local member, mine = role .. G, P .. 'away:' .. session.o
  redis.call('ZREM', P .. 'away', member)
  redis.call('ZREM', mine, member)
  if redis.call('ZINCRBY', P .. 'left', -1, session.o) == '0' then redis.call('ZREM', P .. 'left', session.o) end
  redis.call('DECRBY', P .. 'receipts', session.w)
  session.a, session.w = nil, nil
end

local function park(role)
  local session = S[role].s
  local member = role .. G
  hasParked = true
  session.a = rules.ttl > 0 and now + rules.ttl or 0
  session.w = redis.call('ZCARD', key('o', role))
  redis.call('ZADD', P .. 'away', now, member)
  redis.call('ZADD', P .. 'away:' .. session.o, now, member)
  redis.call('ZINCRBY', P .. 'left', 1, session.o)
  redis.call('INCRBY', P .. 'receipts', session.w)
end

-- What it was handed and nobody acknowledged is for the one who takes its place, or for nobody.
local function endSession(role, isInherited)
  if not S[role].s then return end
  unpark(role)
  redis.call('DEL', key('o', role), key('r', role))
  S[role].s = nil
  if not isInherited then abandon(role) end
end

local function stateOf(role) return S[role].h and 'online' or 'offline' end

-- Of who is there: since when it is the same one, and what it told about itself.
local function aboutOf(role)
  local seat = S[role]
  if not seat.h then return '0,null' end
  return string.format('%.0f', seat.s.v) .. ',' .. (seat.s.x and cjson.encode(seat.s.x) or 'null')
end

-- The one opposite hears of this seat.
local function announce(role, state, reason)
  local seat = S[role]
  local isOnline = state == 'online'
  if seat.k == isOnline then return end
  seat.k = isOnline
  tell(OTHER[role], 'p', ',"' .. state .. '","' .. reason .. '",' .. aboutOf(role))
end

-- Whoever was to hear of this seat has gone; the next one there learns how things stand when it gets its role.
local function dropNotice(role)
  local seat = S[role]
  seat.na, seat.nr = nil, nil
  seat.k = seat.h ~= nil
end

local function leaveSeat(role, reason)
  local seat = S[role]
  touched[seat.h.n] = true
  seat.h = nil
  dropNotice(OTHER[role])
  if not seat.k then return end
  if rules.grace == 0 or not S[OTHER[role]].h then announce(role, 'offline', reason)
  else seat.na, seat.nr = now + rules.grace, reason end
end

local function seatedText(role)
  local seat = S[role]
  return seat.e .. ',' .. string.format('%.0f', seat.h.f) .. ',"' .. seat.s.i .. '","' .. stateOf(OTHER[role]) .. '",'
    .. (seat.qn + seat.hn) .. ',' .. aboutOf(OTHER[role])
end

-- The newcomer hears first, then the partner that was there before it, then what waited comes. Returns what the newcomer hears.
local function sit(role, who, isResumed)
  local seat = S[role]
  if not isResumed then endSession(role, rules.third == 'replace') end
  seat.f = math.max(seat.f + 1, now * 1000)
  seat.h = { n = who.n, c = who.c, f = seat.f, p = who.p }
  touched[who.n] = true
  redis.call('ZADD', P .. 'nodes', 'NX', now + rules.lease, who.n)
  if isResumed then unpark(role)
  else seat.s = { i = who.i, u = who.u, o = who.o, x = who.x, v = seat.f } end
  dropNotice(OTHER[role])
  local seated = seatedText(role)
  if who.waited then tell(role, 's', ',' .. seated) end
  local why = seat.nr or 'replaced'
  seat.na, seat.nr = nil, nil
  if not (isResumed and seat.k) then
    announce(role, 'offline', why)
    announce(role, 'online', isResumed and 'resumed' or 'joined')
  end
  handAgain(role)
  flush(role)
  return '["s",' .. seated .. ']'
end

-- Tells whoever has the role that it has to go, and nothing else.
local function dismiss(role, code, reason) tell(role, 'x', ',' .. code .. ',"' .. reason .. '"') end

local function nextStandby(role)
  local waiting = S[role].sb
  while #waiting > 0 do
    local first = table.remove(waiting, 1)
    touched[first.n] = true
    if alive(first.n) then return first end
  end
end

local function vacate(role, reason, isForGood)
  leaveSeat(role, reason)
  local heir = nextStandby(role)
  if S[role].s then
    if isForGood or heir then endSession(role, false) else park(role) end
  end
  if heir then sit(role, heir, false) end
end

-- Of a node whose lease has run out, nobody is there.
local function bury(role, node)
  local seat = S[role]
  for index = #seat.sb, 1, -1 do
    if seat.sb[index].n == node then table.remove(seat.sb, index) end
  end
  touched[node] = true
  if seat.h and seat.h.n == node then vacate(role, 'closed', seat.h.p) end
end

local function displace(role)
  dismiss(role, 4590, 'the role went to another client')
  leaveSeat(role, 'replaced')
end

local function goOn(role, who)
  if S[role].h then
    dismiss(role, 4590, 'the session goes on over another connection')
    touched[S[role].h.n] = true
  end
  return sit(role, who, true)
end

-- One or the other session ends that waits, until they are as few as they may be.
local function relieve()
  local function isTooMuch()
    return isOver(redis.call('ZCARD', P .. 'away'), rules.max)
      or tonumber(redis.call('GET', P .. 'receipts') or 0) > MAX_RECEIPTS
  end
  while hasParked and isTooMuch() do
    local owner = redis.call('ZREVRANGE', P .. 'left', 0, 0)[1]
    local member = owner and redis.call('ZRANGE', P .. 'away:' .. owner, 0, 0)[1]
    if not member then return end
    load(string.sub(member, 2))
    endSession(string.sub(member, 1, 1), false)
    finish()
  end
end
`;
