#!lua flags=no-writes
--[[
Lists paused conversations, the first to go on first.

KEYS  1 the prefix
ARGV  1 at most how many
Returns { now, conversation and the end of its pause in turn }
--]]
--- include "names"
--- include "now"
local now = read_clock()
return { now, call('ZRANGE', P .. PAUSED, '(' .. now, '+inf', 'BYSCORE', 'LIMIT', 0, tonumber(ARGV[1]), 'WITHSCORES') }
