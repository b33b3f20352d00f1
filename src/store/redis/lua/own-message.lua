#!lua
--[[
Notes that a person sent an own message.

KEYS  1 the prefix
ARGV  1 conversation  2 digest of the message's id  3 how long ids are remembered
Returns 'new'; 'again' if it was noted before; 'bot' if the bot sent it
--]]
--- include "names"
--- include "now"
--- include "note-own"
local conversation, digest, dedupe = ARGV[1], ARGV[2], tonumber(ARGV[3])

local now = read_clock()
local state = own_state(conversation, digest, now - dedupe)
if state == 'new' then note_own(conversation, digest, now, dedupe) end
return state
