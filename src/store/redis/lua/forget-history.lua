#!lua flags=allow-oom
--[[
Erases a conversation's entries among some of the history's.

KEYS  1 the prefix
ARGV  1 conversation  2 from which id on ('-': the oldest)  3 how many to look at
Returns { from which id to go on or '', how many were erased }
--]]
local conversation, from, looked_at = ARGV[1], ARGV[2], tonumber(ARGV[3])

local entries = redis.call('XRANGE', P .. HISTORY, from, '+', 'COUNT', looked_at)
local erased = 0
for _, entry in ipairs(entries) do
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 'conversationId' and entry[2][i + 1] == conversation then
      erased = erased + redis.call('XDEL', P .. HISTORY, entry[1])
    end
  end
end
return { #entries == looked_at and '(' .. entries[#entries][1] or '', erased }
