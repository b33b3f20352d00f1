#!lua flags=allow-oom
--[[
Erases the entries of a conversation in one stretch of the history.

KEYS  1 the prefix
ARGV  1 conversation  2 the first id to look at, '-' for the oldest  3 how many entries to look at
Returns { the first id of the next stretch or '', how many were erased }
--]]
--- include "names"
local conversation, from, looked_at = ARGV[1], ARGV[2], tonumber(ARGV[3])

local entries = call('XRANGE', P .. HISTORY, from, '+', 'COUNT', looked_at)
local erased = 0
for _, entry in ipairs(entries) do
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 'conversationId' and entry[2][i + 1] == conversation then
      erased = erased + call('XDEL', P .. HISTORY, entry[1])
    end
  end
end
return { #entries == looked_at and '(' .. entries[#entries][1] or '', erased }
