#!lua flags=allow-oom
--[[
Discards the messages of a conversation that no processor has claimed, and those of a batch that can be superseded. Any
other hold stays, and the ids stay remembered.

KEYS  1 the prefix
ARGV  1 conversation  2 the caller  3 '1' if answers may be superseded  4 database number
Returns how many messages
--]]
--- include "names"
--- include "discard"
local conversation, by, may_supersede, db = ARGV[1], ARGV[2], ARGV[3] == '1', ARGV[4]

local holder = may_supersede and call('GET', P .. HOLD .. conversation)
return discard(conversation, holder, 'dropped', by, may_supersede, db)
