#!lua
--[[
Holds back the open batch of a conversation, and the next ones, until a key is released or its time has passed; or
releases a key. A batch that holds its conversation and can be superseded is due later too.

KEYS  1 the prefix
ARGV  1 conversation  2 key  3 for how many ms, 0 to release it  4 header TTL  5 database number
      6 '1' if answers may be superseded  7 to 14 the store's rules (rules.lua)
Returns { 1 if the key was held before, ms until the batch is due or -1 }
--]]
--- include "names"
--- include "now"
--- include "hold"
--- include "record"
--- include "check-types"
--- include "set-due"
--- include "supersede"
local conversation, key, for_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])
local store_ttl, db, may_supersede, store_rules = tonumber(ARGV[4]), ARGV[5], ARGV[6] == '1', store_rules_at(7)

local now = read_clock()
local open = open_of(conversation)
local waiting = call('LLEN', P .. MESSAGES .. conversation)
check_types(DUE, HISTORY)
local known = call('MGET', P .. HOLD .. conversation, P .. STATE .. conversation)
local holder, state = known[1], state_of(known[2]) or {}
local held = hold_until(holder)
local before = state.holds and state.holds[key]
local was_held = before and before.at > now
if for_ms == 0 and not was_held then return { 0, open and math.max(open.due_at - now, 0) or -1 } end

if for_ms > 0 then add_hold(state, key, now + for_ms) else state.holds[key] = nil end
write_state(conversation, state, now)
record(for_ms > 0 and 'held' or 'unheld', open and open.batch_id or holder or '', conversation,
  'key', key, unpack(for_ms > 0 and { 'forMs', for_ms } or {}))

-- The batch that holds the conversation, if it is not committed, waits with its commit.
local function move_holder()
  local old = may_supersede and held and supersedable(holder)
  if not old or now >= old.due_at then return -1 end
  local due = due_of(rules_of(old.rules, store_rules), state, old.id, old.first_at, old.last_at, now)
  move_due(conversation, old, math.max(due, now), now, db)
  return math.max(due, now) - now
end

local holder_due_in = move_holder()
if not open or waiting == 0 then return { was_held and 1 or 0, holder_due_in } end
local due = set_due(conversation, open, waiting, held, state, store_rules, store_ttl, now, db)
return { was_held and 1 or 0, math.max(due - now, 0) }
