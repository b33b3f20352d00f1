#!lua flags=allow-oom
--[[
A sign of typing moves the due time of the open batch, never past its max wait, and only if it is not due yet. The same
for the batch that holds the conversation, if that can be superseded.

KEYS  1 the prefix
ARGV  1 conversation  2 by how many ms the sign extends it  3 header TTL  4 database number
      5 '1' if answers may be superseded  6 to 11 the store's rules (rules.lua)
Returns { batch id, ms until it is due }, of the open batch, else of the one that holds the conversation; or nil if
      neither is still to be due
--]]
--- include "names"
--- include "now"
--- include "hold"
--- include "schedule"
--- include "record"
--- include "batch-updated"
--- include "check-types"
--- include "supersede"
--- include "rules"
local conversation, worth, ttl, db = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local may_supersede, store_rules = ARGV[5] == '1', store_rules_at(6)

local now = read_clock()
local header = call('HMGET', P .. HEADER .. conversation, 'batchId', 'count', 'firstAtMs', 'dueAtMs', 'rules')
local waiting = call('LLEN', P .. MESSAGES .. conversation)
check_types(DUE)
local holder = call('GET', P .. HOLD .. conversation)
local held = hold_until(holder)

-- Moves the due time of the batch that holds the conversation. Returns what the script returns.
local function extend_holder()
  local old = may_supersede and held and supersedable(holder)
  if not old or now >= old.due_at then return nil end
  local at = math.max(old.due_at, math.min(now + worth, old.first_at + rules_of(old.rules, store_rules).maxWaitMs))
  if at > old.due_at then
    record('extended', old.id, conversation, 'byMs', at - old.due_at)
    move_due(conversation, old, at, now, db)
  end
  return { old.id, at - now }
end

local holder_extended = extend_holder()
if not header[1] or waiting == 0 then return holder_extended end
local batch_id, count, first, due = header[1], tonumber(header[2]), tonumber(header[3]), tonumber(header[4])
if now >= due then return holder_extended end

local rules = rules_of(header[5], store_rules)
local latest, early = first + rules.maxWaitMs, early_of(rules)
local extended = math.max(due, math.min(now + worth, latest))
if extended == due then return { batch_id, due - now } end
record('extended', batch_id, conversation, 'byMs', extended - due)
call('HSET', P .. HEADER .. conversation, 'dueAtMs', extended,
  'dueBy', extended == latest and 'maxWait' or 'gap')
call('PEXPIREAT', P .. HEADER .. conversation, extended + ttl, 'GT')
if not held and waiting == count then
  local at = extended
  if early > 0 then
    at = math.min(extended, math.max(tonumber(call('ZSCORE', P .. DUE, conversation) or 0), now + early))
  end
  schedule(conversation, batch_id, at, now, db)
end
notify_updated(conversation, batch_id, { count = count, due_in = extended - now, held = held and true }, db)
return { batch_id, extended - now }
