#!lua
--[[
Merges a conversation into another one, because both are one person's. All messages are in order of arrival: batches
that are sealed keep their ids, and the open batch of `from` joins that of `into`. Due at the earlier of the two times.
The batch that holds `from` holds `into` afterwards. If both are held, nothing changes: each waits for its own answer.
Holds, signs of typing and the pause of either are those of both. While one is paused and sealed batches wait, they are
merged when these have gone.

It reads all messages of both, which are two open batches unless more waits behind a hold. If that is more than
MOST_MESSAGES, nothing changes either: they are merged when some have gone. Has no `allow-oom`.

KEYS  1 the prefix
ARGV  1 from  2 into  3 header TTL  4 database number  5 to 12 the store's rules (rules.lua)
Returns how many messages were moved, nil if `from` has none and is not held, or 'later'
--]]
--- include "names"
--- include "now"
--- include "entry"
--- include "hold"
--- include "schedule"
--- include "record"
--- include "push"
--- include "batch-updated"
--- include "check-types"
--- include "superseded-ids"
--- include "start"
--- include "set-due"
local from_id, into_id = ARGV[1], ARGV[2]
local store_ttl, db, store_rules = tonumber(ARGV[3]), ARGV[4], store_rules_at(5)

local now = read_clock()

--- include "merging"
local function unite_seen(from)
  local from_key, into_key = P .. SEEN .. from_id, P .. SEEN .. into_id
  if from.seen == 0 then return end
  local ends_at = math.max(call('PEXPIRETIME', from_key), call('PEXPIRETIME', into_key))
  call('ZUNIONSTORE', into_key, 2, into_key, from_key, 'AGGREGATE', 'MAX')
  if ends_at > 0 then call('PEXPIREAT', into_key, ends_at) end
  call('UNLINK', from_key)
end

local function move_hold(from)
  call('DEL', P .. HOLD .. from_id)
  if not from.held_until then return end
  call('SET', P .. HOLD .. into_id, from.holder)
  local claimed, handed_over = P .. CLAIMED_BATCH .. from.holder, P .. HANDED_OVER .. from.holder
  call('HSET', call('EXISTS', claimed) == 1 and claimed or handed_over, 'conversationId', into_id)
end

local states = call('MGET', P .. STATE .. from_id, P .. STATE .. into_id)
from_state, into_state = current_state(states[1]), current_state(states[2])
local waiting = call('LLEN', P .. MESSAGES .. from_id) + call('LLEN', P .. MESSAGES .. into_id)
if waiting > MOST_MESSAGES then return 'later' end
local from, into = read(from_id), read(into_id)
check_types(HISTORY)
for _, state in ipairs({ from, into }) do
  if state.held_until then
    check_type('HLEN', CLAIMED_BATCH .. state.holder)
    check_type('HLEN', HANDED_OVER .. state.holder)
  end
end
if from.held_until and into.held_until then return 'later' end
local paused = paused_until(from_state, now) or paused_until(into_state, now)
if paused then
  check_type('ZCARD', PAUSED)
  if #from.runs + #into.runs > 0 then return 'later' end
end
if from.waiting == 0 and not from.held_until then
  unite_seen(from)
  unite_states()
  write_known_alone(into)
  return nil
end

local runs, open, sealed = plan_of(from, into, paused)
local held_until = from.held_until or into.held_until
local from_batch = from.open and from.open.id or from.last_id or from.holder
local into_batch = open and open.id or runs[1] and runs[1].id or from.holder

call('ZREM', P .. DUE, from_id)
call('DEL', P .. HEADER .. from_id, P .. MESSAGES .. from_id, P .. QUIET .. from_id)
unite_seen(from)
unite_states()
hold_back(open, from.open, into.open)
move_hold(from)
local due_at = write_merged(from, into, runs, open, held_until)
local joined = from.open and into.open and into.open.id
record('merged', from_batch, from_id, 'into', into_id, unpack(joined and { 'batch', joined } or {}))
announce_merged(from, into, into_batch, open, sealed, held_until, due_at)
return from.waiting
