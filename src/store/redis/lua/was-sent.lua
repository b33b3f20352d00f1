#!lua flags=no-writes
--[[
Whether the bot sent a message, as far as ids of its messages are remembered.

KEYS  1 the prefix
ARGV  1 conversation  2 digest of the message's id  3 how long ids are remembered
Returns 1 or 0; -1 if no id of the conversation is remembered
--]]
--- include "names"
--- include "now"
--- include "seen"
local since = read_clock() - tonumber(ARGV[3])
local sent_at = call('ZMSCORE', P .. SEEN .. ARGV[1], SENT .. ARGV[2], SENT)
return is_after(sent_at[1], since) and 1 or is_after(sent_at[2], since) and 0 or -1
