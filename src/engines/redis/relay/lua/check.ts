/**
 * Lua: whether a node has missed anything of its peers. KEYS: home. ARGV: those of STATE, then 5 the peers as JSON: [group, role,
 * connection, events heard]; -1 events: it stands by. Answers JSON: the places in that list of those who have to look.
 */
export const CHECK = `
local behind = {}
for index, one in ipairs(cjson.decode(ARGV[5])) do
  load(one[1])
  local holder = S[one[2]].h
  local isHolder = holder and holder.c == one[3]
  local isWaiting = false
  for _, waiting in ipairs(S[one[2]].sb) do isWaiting = isWaiting or waiting.c == one[3] end
  if one[4] < 0 and not isWaiting or one[4] >= 0 and not (isHolder and S[one[2]].e == one[4]) then
    behind[#behind + 1] = index - 1
  end
end
return '[' .. table.concat(behind, ',') .. ']'
`;
