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
--- include "record"
--- include "check-types"
--- include "set-due"
local conversation, by, store_ttl, db, store_rules = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], store_rules_at(5)

local now = read_clock()
local known = call('MGET', P .. HOLD .. conversation, P .. STATE .. conversation)
local state = state_of(known[2])
local held = hold_until(known[1])
local open = open_of(conversation)
local waiting = call('LLEN', P .. MESSAGES .. conversation)
check_types(DUE, HISTORY, PAUSED)
call('ZREM', P .. PAUSED, conversation)
if not paused_until(state, now) then return 0 end

state.pausedUntil, state.keep = nil, nil
write_state(conversation, state, now)
record('resumed', open and open.batch_id or '', conversation, 'by', by)
if open and waiting > 0 then
  -- Its max wait begins now.
  open.first_at = now
  set_due(conversation, open, waiting, held, state, store_rules, store_ttl, now, db)
end
return 1
