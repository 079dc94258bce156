/**
 * Lua that every script of the relay begins with: a group's state, read once, changed in memory, written once; what its peers are told.
 *
 * Keys, all in one slot, under `home:gen:` (another generation's count as not there):
 *   g:GROUP  both seats, packed            q:R:GROUP  what is queued for role R       h:R:GROUP  handed to it, not acknowledged
 *   o:R:GROUP  its session's messages by seq            r:R:GROUP  what became of them
 *   due  groups by when something is due   nodes  by the end of their lease           at:NODE  groups in which it has a peer
 *   pulse  when a node renewed last        bytes  that wait, by owner                 all  groups
 *   away, away:OWNER  sessions whose client is away, by when it went                  left  how many each owner has of them
 *   receipts  of those, together           queued  messages that were not handed over           room  is never written
 * A seat: h holder {n node, c connection, f fence, p plain}, s session {i id, u user as JSON, o owner, x info, v fence it began with, a away
 * until, w receipts then}, sb standbys, q last seq, d last seq handed, a acknowledged up to, qn qb qd queued (count, bytes, first due), hn
 * hb handed, e events told to its holder, k the partner believes that somebody is here, na nr the news of its going (when, why), f last fence.
 * A message: q seq, t due, z size, s session, i idem, o owner, b binary, w what the receiver's node is told.
 * ARGV: 2 now in ms, 3 the rules of the route, 4 the node that asks.
 */
export const STATE = `
local now, rules, me = tonumber(ARGV[2]), cjson.decode(ARGV[3]), ARGV[4]
local P = home .. ':' .. gen .. ':'
local OTHER = { c = 'l', l = 'c' }
local ROLES = { 'c', 'l' }
local MESSAGE_BYTES = 256
local G, S, out, touched, delta, hasParked, queuedBefore
local counts = {}
-- Without room nothing is begun: half a step would be worse than none.
redis.call('SETRANGE', P .. 'room', 0, '')
local lives = {}

local function key(kind, role) return P .. kind .. ':' .. role .. ':' .. G end
local function count(what) counts[what] = (counts[what] or 0) + 1 end
local function isOver(value, bound) return bound > 0 and value > bound end

local function emptySeat()
  return { q = 0, d = 0, a = 0, qn = 0, qb = 0, hn = 0, hb = 0, e = 0, f = 0, k = false, sb = {} }
end

local function load(group)
  G, out, touched = group, {}, {}
  local blob = redis.call('GET', P .. 'g:' .. group)
  S = blob and cmsgpack.unpack(blob) or { c = emptySeat(), l = emptySeat(), new = true }
  queuedBefore = S.c.qn + S.l.qn
end

-- Whether a node's lease runs. When nobody has renewed for a whole lease, Redis was away, and that says nothing of any node.
local function alive(node)
  if node == me then return true end
  if lives[node] == nil then
    local ends = tonumber(redis.call('ZSCORE', P .. 'nodes', node) or 0)
    local pulse = ends <= now and tonumber(redis.call('GET', P .. 'pulse') or 0)
    lives[node] = ends > now or (ends > 0 and pulse + rules.lease <= now)
  end
  return lives[node]
end

-- For the holder of a role, by way of its node. rest: JSON that begins with a comma. Events of a seat are counted, so a lost one is missed.
local function tell(role, kind, rest)
  local seat = S[role]
  local holder = seat.h
  if not holder then return end
  seat.e = seat.e + 1
  local list = out[holder.n]
  if not list then list = {}; out[holder.n] = list end
  list[#list + 1] = '["' .. holder.c .. '",' .. seat.e .. ',"' .. kind .. '"' .. rest .. ']'
end

-- Bytes of all mailboxes, by owner. Who cannot be told apart has no share of his own.
local function usedBy(owner)
  delta = delta or {}
  return tonumber(redis.call('HGET', P .. 'bytes', owner) or 0) + (delta[owner] or 0)
end

local function fits(owner, amount)
  if rules.total == 0 then return true end
  local own = owner == 'everybody' and 0 or usedBy(owner)
  return own + amount <= rules.total - usedBy('')
end

local function account(owner, amount)
  if rules.total == 0 then return end
  delta = delta or {}
  delta[owner] = (delta[owner] or 0) + amount
  delta[''] = (delta[''] or 0) + amount
end

local function writeBytes()
  for owner, amount in pairs(delta or {}) do
    if amount ~= 0 and redis.call('HINCRBY', P .. 'bytes', owner, amount) <= 0 then
      redis.call('HDEL', P .. 'bytes', owner)
    end
  end
  delta = nil
end

local function isIdle(seat)
  return not seat.h and not seat.s and #seat.sb == 0 and seat.qn == 0 and seat.hn == 0
end

local function earliest()
  local first
  for _, role in ipairs(ROLES) do
    local seat = S[role]
    local away = seat.s and seat.s.a
    if away == 0 then away = nil end
    for _, at in pairs({ seat.qd or false, away or false, seat.na or false }) do
      if at and (not first or at < first) then first = at end
    end
  end
  return first
end

local function hasPeer(node)
  for _, role in ipairs(ROLES) do
    local seat = S[role]
    if seat.h and seat.h.n == node then return true end
    for _, one in ipairs(seat.sb) do if one.n == node then return true end end
  end
  return false
end

local function writeDue()
  local due = earliest()
  if due == S.due then return end
  S.due = due
  if due then redis.call('ZADD', P .. 'due', due, G) else redis.call('ZREM', P .. 'due', G) end
end

-- Writes the group, and tells its nodes, each once.
local function finish()
  writeBytes()
  local more = S.c.qn + S.l.qn - queuedBefore
  if more ~= 0 then redis.call('INCRBY', P .. 'queued', more) end
  for node in pairs(touched) do
    redis.call(hasPeer(node) and 'SADD' or 'SREM', P .. 'at:' .. node, G)
  end
  if isIdle(S.c) and isIdle(S.l) then
    redis.call('DEL', P .. 'g:' .. G)
    redis.call('ZREM', P .. 'due', G)
    redis.call('SREM', P .. 'all', G)
  else
    writeDue()
    if S.new then redis.call('SADD', P .. 'all', G); redis.call('SADD', home .. ':gens', gen) end
    S.new = nil
    redis.call('SET', P .. 'g:' .. G, cmsgpack.pack(S))
  end
  for node, list in pairs(out) do
    redis.call('PUBLISH', home .. ':relay:' .. node, '[' .. table.concat(list, ',') .. ']')
  end
end

local function nextDue()
  local first = redis.call('ZRANGE', P .. 'due', 0, 0, 'WITHSCORES')
  return first[2] or '0'
end
`;
