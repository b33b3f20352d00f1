#!lua flags=allow-oom
--[[
A sign of typing moves the due time of the open batch, never past its max wait, and only if it is not due yet. The same
for the batch that holds the conversation, if that can be superseded.

Where the conversation has a typing gap, the silence counts from the sign: until the typing ends it lasts as long as the
sign is worth, then a typing gap. A conversation that has shown one sign goes by its typing gap for a day.

KEYS  1 the prefix
ARGV  1 conversation  2 for how many ms the sign holds; 0: the typing has ended  3 header TTL  4 database number
      5 '1' if answers may be superseded  6 the conversation's own rules as JSON, or ''
      7 to 14 the store's rules (rules.lua)
Returns { batch id, ms until it is due }, of the open batch, else of the one that holds the conversation; or nil if
      neither is still to be due
--]]
--- include "names"
--- include "now"
--- include "hold"
--- include "record"
--- include "check-types"
--- include "supersede"
--- include "set-due"
local conversation, worth, ttl, db = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local may_supersede, store_rules = ARGV[5] == '1', store_rules_at(7)
local own_rules = rules_of(ARGV[6], store_rules)

local now = read_clock()
local open = open_of(conversation)
local waiting = call('LLEN', P .. MESSAGES .. conversation)
check_types(DUE)
local known = call('MGET', P .. HOLD .. conversation, P .. STATE .. conversation)
local holder, state = known[1], state_of(known[2])
local held = hold_until(holder)

local counts_from_sign = own_rules.typingGapMs > 0
if counts_from_sign then
  state = state or {}
  state.typedAt, state.typing = now, worth > 0 and worth or nil
  write_state(conversation, state, now)
elseif worth == 0 then
  worth = -1
end

-- When a batch is due after the sign, and why.
local function moved(batch)
  local rules = rules_of(batch.rules, store_rules)
  if counts_from_sign then
    local due, by = due_of(setmetatable({ typingGapMs = own_rules.typingGapMs }, { __index = rules }), state,
      batch.batch_id or batch.id, batch.first_at, batch.last_at, now)
    return math.max(due, now), by
  end
  local latest = batch.first_at + rules.maxWaitMs
  local due = math.max(batch.due_at, math.min(now + worth, latest))
  return due, due == latest and 'maxWait' or 'gap'
end

-- Moves the due time of the batch that holds the conversation. Returns what the script returns.
local function extend_holder()
  local old = may_supersede and held and supersedable(holder)
  if not old or now >= old.due_at then return nil end
  local at = moved(old)
  if at ~= old.due_at then
    record('extended', old.id, conversation, 'byMs', at - old.due_at)
    move_due(conversation, old, at, now, db)
  end
  return { old.id, at - now }
end

local holder_extended = extend_holder()
if not open or waiting == 0 then return holder_extended end
local batch_id, due = open.batch_id, open.due_at
if now >= due then return holder_extended end

local extended, by = moved(open)
if extended == due then return { batch_id, due - now } end
record('extended', batch_id, conversation, 'byMs', extended - due)
local rules = rules_of(open.rules, store_rules)
local early = early_of(rules)
call('HSET', P .. HEADER .. conversation, 'dueAtMs', extended, 'dueBy', by)
call('PEXPIREAT', P .. HEADER .. conversation, extended + ttl, 'GT')
if not held and waiting == open.count then
  local at = extended
  if early > 0 then
    at = math.min(extended, math.max(math.ceil(call('ZSCORE', P .. DUE, conversation) or 0), now + early))
  end
  schedule(conversation, batch_id, at, now, db)
end
notify_updated(conversation, batch_id, { count = open.count, due_in = extended - now, held = held and true }, db)
return { batch_id, extended - now }
