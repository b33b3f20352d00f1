#!lua flags=allow-oom
--[[
Erases the dead batches of a conversation that one step of an HSCAN finds.

KEYS  1 the prefix
ARGV  1 conversation  2 cursor  3 about how many dead batches to look at
Returns { next cursor, how many were erased }
--]]
--- include "names"
local conversation, cursor, looked_at = ARGV[1], ARGV[2], ARGV[3]

local scanned = call('HSCAN', P .. DEAD, cursor, 'COUNT', looked_at)
-- A dead batch is JSON. Its texts are strings in that, whose quotes are escaped, so no text looks like this field.
local field = '"conversationId":' .. cjson.encode(conversation)
local erased = 0
for i = 1, #scanned[2], 2 do
  if string.find(scanned[2][i + 1], field, 1, true) then
    erased = erased + call('HDEL', P .. DEAD, scanned[2][i])
  end
end
return { scanned[1], erased }
