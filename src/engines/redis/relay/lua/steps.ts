/**
 * Lua: steps of one group, in the order in which its peers on this node asked for them. KEYS: home. ARGV: those of STATE, then 5 the
 * group, 6 the steps as JSON, 7... what messages say. Answers JSON: when something of this home is due, what was counted, an answer for
 * each step. A step carries its connection and its fence: of who does not hold the role any more nothing is taken ('x').
 */
export const STEPS = `
local function holds(step)
  local holder = S[step.r].h
  return holder and holder.c == step.c and holder.f == step.f
end

local function join(step)
  local role = step.r
  local seat = S[role]
  local who = { n = me, c = step.c, p = step.p, i = step.i, u = step.u, o = step.o, x = step.x }
  if step.s then
    local session = seat.s
    if not session or session.i ~= step.s or session.u ~= step.u then return '["g"]' end
    if step.up and not acknowledge(role, step.up) then return '["b"]' end
    release(role, step.dn)
    return goOn(role, who)
  end
  if seat.h and not alive(seat.h.n) then bury(role, seat.h.n) end
  if seat.h then
    if rules.third == 'standby' and #seat.sb < MAX_STANDBY then
      who.waited = true
      seat.sb[#seat.sb + 1] = who
      touched[me] = true
      redis.call('ZADD', P .. 'nodes', 'NX', now + rules.lease, me)
      return '["w"]'
    elseif rules.third ~= 'replace' then return '["t"]' end
    displace(role)
  end
  return sit(role, who, false)
end

local function send(step)
  if not holds(step) then return '["x"]' end
  local role, to = step.r, OTHER[step.r]
  local seat = S[to]
  release(role, step.dn)
  local known = redis.call('ZSCORE', key('o', role), step.m)
  if known then
    local state = redis.call('HGET', key('r', role), step.m)
    return '["k",' .. known .. (state and ',"' .. state .. '"' or '') .. ']'
  end
  if redis.call('ZCARD', key('o', role)) >= 1024 then return '["m"]' end
  if not seat.h and step.a then return '["a"]' end
  if seat.h and seat.h.p and step.b then return '["n"]' end
  seat.q = seat.q + 1
  count('due')
  redis.call('ZADD', key('o', role), seat.q, step.m)
  local m = { q = seat.q, z = step.z, s = S[role].s.i, i = step.m, o = S[role].s.o, b = step.b, w = ARGV[step.w] }
  post(to, m, step.t)
  return '["k",' .. m.q .. ']'
end

local function ack(step)
  if not holds(step) then return '["x"]' end
  release(step.r, step.dn)
  if not acknowledge(step.r, step.up) then return '["b"]' end
  flush(step.r)
  return '["k"]'
end

-- Without a fence: its node does not know whether it ever got the role.
local function leave(step)
  local seat = S[step.r]
  for index, one in ipairs(seat.sb) do
    if one.c == step.c then
      table.remove(seat.sb, index)
      touched[me] = true
      return '["k"]'
    end
  end
  if seat.h and seat.h.c == step.c then vacate(step.r, step.y, step.g) end
  return '["k"]'
end

-- Of a client that is away. Who goes on has another fence.
local function revoke(step)
  local seat = S[step.r]
  local session = seat.s
  if session and session.i == step.s and session.a and seat.f == step.f then endSession(step.r, false) end
  return '["k"]'
end

local function lostText(step)
  local seat = S[step.r]
  local isSame = seat.s and seat.s.i == step.s and seat.h
  return isSame and '["x","session"]' or (seat.h and rules.third == 'replace') and '["x","taken"]' or '["x"]'
end

-- All that a node may have missed of one of its peers: how things stand, what it was handed after d, and what became of what it sent.
local function look(step)
  local seat = S[step.r]
  for _, one in ipairs(seat.sb) do if one.c == step.c then return '["w"]' end end
  if not seat.h or seat.h.c ~= step.c then return lostText(step) end
  local data, receipts = {}, {}
  for _, m in ipairs(heldOf(step.r, 0, -1)) do
    if m.q > step.d then data[#data + 1] = '[' .. m.q .. ',' .. m.w .. ']' end
  end
  local order = redis.call('ZRANGE', key('o', step.r), 0, -1, 'WITHSCORES')
  for index = 1, #order, 2 do
    local state = redis.call('HGET', key('r', step.r), order[index])
    if state then
      receipts[#receipts + 1] = '[' .. order[index + 1] .. ',' .. cjson.encode(order[index]) .. ',"' .. state .. '"]'
    end
  end
  return '["s",' .. seatedText(step.r) .. ',[' .. table.concat(data, ',') .. '],[' .. table.concat(receipts, ',') .. ']]'
end

local DO = { j = join, s = send, a = ack, l = leave, e = revoke, o = look }
local answers = {}
load(ARGV[5])
for index, step in ipairs(cjson.decode(ARGV[6])) do answers[index] = DO[step.k](step) end
finish()
relieve()
return '[' .. nextDue() .. ',' .. (next(counts) and cjson.encode(counts) or '{}') .. ',[' .. table.concat(answers, ',') .. ']]'
`;
