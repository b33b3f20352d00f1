#!lua flags=allow-oom
--[[
Ends the pause of a conversation. What it has collected is due a quiet gap after its last message.

KEYS  1 the prefix
ARGV  1 conversation  2 the caller  3 header TTL  4 database number  5 to 12 the store's rules (rules.lua)
Returns 1, or 0 if it was not paused
--]]
--- include "names"
--- include "now"
--- include "hold"
--- include "check-types"
--- include "end-pause"
local conversation, by, store_ttl, db, store_rules = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], store_rules_at(5)

local now = read_clock()
local known = call('MGET', P .. HOLD .. conversation, P .. STATE .. conversation)
local state = state_of(known[2])
local held = hold_until(known[1])
local open = open_of(conversation)
local waiting = call('LLEN', P .. MESSAGES .. conversation)
check_types(DUE, HISTORY, PAUSED)
if not paused_until(state, now) then
  call('ZREM', P .. PAUSED, conversation)
  return 0
end

state.pausedUntil = nil
set_pause_end(conversation, state, open, waiting, held, by, store_rules, store_ttl, now, db)
return 1
