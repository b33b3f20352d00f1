#!lua flags=no-writes
--[[
Lists the ids of one person, whichever provider knows them.

KEYS  1 the prefix
ARGV  1 one of the ids, as a conversation
Returns all of them, the canonical one first
--]]
--- include "names"
local id = ARGV[1]
local ids, is_listed = {}, {}

local function add(list)
  for _, each in ipairs(list) do
    if not is_listed[each] then
      is_listed[each] = true
      ids[#ids + 1] = each
    end
  end
end

add(call('HVALS', P .. ALIAS .. id))
table.sort(ids)
add({ id })
for i = 1, #ids do add(call('SMEMBERS', P .. ALIASES .. ids[i])) end
return ids
