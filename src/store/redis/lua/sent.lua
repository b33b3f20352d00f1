#!lua
--[[
Remembers ids of messages that the bot sent. A pause that their webhooks caused ends, or ends as early as it would
without them.

KEYS  1 the prefix
ARGV  1 conversation  2 the caller  3 how long ids are remembered  4 header TTL  5 database number
      6 to 13 the store's rules (rules.lua)  then digests of the ids
Returns 1 if a pause has ended, or 0
--]]
--- include "names"
--- include "now"
--- include "hold"
--- include "seen"
--- include "causes"
--- include "check-types"
--- include "end-pause"
local FIRST_DIGEST = 14
local FORGOTTEN_AN_ID = 8
local conversation, by, dedupe, store_ttl, db = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local store_rules = store_rules_at(6)

local now = read_clock()
local known = call('MGET', P .. HOLD .. conversation, P .. STATE .. conversation)
local state = state_of(known[2])
check_type('ZCARD', SEEN .. conversation)
local digests, members = {}, { now, SENT }
for i = FIRST_DIGEST, #ARGV do
  digests[#digests + 1] = ARGV[i]
  members[#members + 1] = now
  members[#members + 1] = SENT .. ARGV[i]
end

local paused_before = state and state.causes
local has_changed = paused_before and remove_causes(state, digests, now)
local held, open, waiting
if has_changed then
  held, open = hold_until(known[1]), open_of(conversation)
  waiting = call('LLEN', P .. MESSAGES .. conversation)
  check_types(DUE, HISTORY, PAUSED)
end

push('ZADD', P .. SEEN .. conversation, members)
forget_seen(conversation, now - dedupe, FORGOTTEN_AN_ID * #digests, now + dedupe)
if has_changed then
  set_pause_end(conversation, state, open, waiting, held, by, store_rules, store_ttl, now, db)
elseif paused_before then
  write_state(conversation, state, now)
end
return has_changed and not state.pausedUntil and 1 or 0
