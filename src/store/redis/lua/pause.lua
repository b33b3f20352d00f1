#!lua
--[[
Pauses a conversation, or prolongs its pause: a person answers. What waits, and what new messages bring, is discarded or
collected in one batch that is due when the pause ends. An answer that is not committed is superseded.

KEYS  1 the prefix
ARGV  1 conversation  2 for how many ms  3 'drop' or 'collect'  4 the caller  5 id for the batch that collects
      6 header TTL  7 database number  8 '1' if answers may be superseded  9 to 16 the store's rules (rules.lua)
      17 digest of the own message's id that pauses it, or ''  18 how long ids are remembered
Returns { when it ends, how many messages were discarded }; or without a change 'bot' if the bot sent that message, and
      'again' if it has paused the conversation before
--]]
--- include "names"
--- include "now"
--- include "hold"
--- include "push"
--- include "recorded-id"
--- include "discard"
--- include "set-due"
--- include "causes"
--- include "note-own"
-- Takes Redis some 10 ms. Of a longer list what is sealed already goes on.
local MOST_JOINED = 5000
local conversation, keep, by, new_id = ARGV[1], ARGV[3], ARGV[4], ARGV[5]
local store_ttl, db, may_supersede, store_rules = tonumber(ARGV[6]), ARGV[7], ARGV[8] == '1', store_rules_at(9)
local cause, dedupe = ARGV[17], tonumber(ARGV[18])

local now = read_clock()
local until_at = now + tonumber(ARGV[2])
local known = call('MGET', P .. HOLD .. conversation, P .. STATE .. conversation)
local holder, state = known[1], state_of(known[2]) or {}
local held = hold_until(holder)
check_types(DUE, HISTORY, PAUSED)
if cause == '' then
  state.pausedUntil, state.keep, state.causes, state.otherwise = until_at, keep, nil, nil
else
  local own = own_state(conversation, cause, now - dedupe)
  if own ~= 'new' then return own end
  add_cause(state, cause, until_at, keep, now)
  until_at, keep = state.pausedUntil, state.keep
end

-- Makes one open batch of all that waits and of a batch that can be superseded.
local function collect()
  local count = call('LLEN', P .. MESSAGES .. conversation)
  local old = may_supersede and held and read_superseded(conversation, holder)
  local open = open_of(conversation)
  if count > MOST_JOINED or (not old and (count == 0 or open and open.count == count)) then return end
  check_types(CLAIMED, ANSWERING)
  local list = call('LRANGE', P .. MESSAGES .. conversation, 0, -1)
  -- What was committed before it died stays a batch of its own: its answer may have been sent.
  local kept = 0
  for i, entry in ipairs(list) do
    local _, _, seal = read_entry(entry)
    local _, _, mark = read_seal(seal or '')
    if mark == 'committed' then kept = i end
  end
  if kept == #list and not old then return end
  local entries, steps, bytes, first_at, last_at = {}, {}, 0, nil, nil
  local batch_id = open and open.batch_id or new_id
  local function add(received_at, json)
    entries[#entries + 1] = batch_id .. ' ' .. received_at .. ' ' .. json
    bytes, first_at, last_at = bytes + #json, first_at or received_at, received_at
  end
  for _, line in ipairs(old and old.lines or {}) do add(string.match(line, '^(%d+) (.*)$')) end
  for i = kept + 1, #list do
    local entry = list[i]
    local id, received_at, _, json = read_entry(entry)
    add(received_at, json)
    local last = steps[#steps]
    if id ~= batch_id and (not last or last.id ~= id) then steps[#steps + 1] = { id = id, count = 0 } end
    if id ~= batch_id then steps[#steps].count = steps[#steps].count + 1 end
  end
  if kept == 0 then
    call('DEL', P .. MESSAGES .. conversation)
  else
    call('LTRIM', P .. MESSAGES .. conversation, 0, kept - 1)
  end
  push('RPUSH', P .. MESSAGES .. conversation, entries)
  if old then end_superseded(conversation, old, batch_id) end
  local key = P .. HEADER .. conversation
  call('HSET', key, 'batchId', batch_id, 'count', #entries, 'bytes', bytes, 'firstAtMs', first_at,
    'lastAtMs', last_at, 'dueAtMs', until_at)
  call('PEXPIREAT', key, until_at + store_ttl)
  if not open then
    local _, _, _, json = read_entry(entries[1])
    record('opened', batch_id, conversation, 'ids', '[' .. recorded_id(json, 1) .. ']', 'count', #entries,
      unpack(old and { 'supersedes', old.superseded } or {}))
  end
  if old then
    call('HSET', key, 'supersedes', old.superseded)
    if old.rules then call('HSET', key, 'rules', old.rules) end
    record_superseded(conversation, old, batch_id, db)
    move_holds(state, old.id, batch_id)
  end
  for _, step in ipairs(steps) do
    move_holds(state, step.id, batch_id)
    record('superseded', step.id, conversation, 'count', step.count, 'by', batch_id)
  end
  return old and true
end

local dropped = 0
if keep == 'collect' then
  if collect() then held = nil end
else
  dropped = discard(conversation, holder, 'dropped', by, may_supersede, db)
end
if cause ~= '' then note_own(conversation, cause, now, dedupe) end
write_state(conversation, state, now)
call('ZREMRANGEBYSCORE', P .. PAUSED, '-inf', now)
call('ZADD', P .. PAUSED, until_at, conversation)
local open = open_of(conversation)
record('pause', open and open.batch_id or '', conversation, 'untilMs', until_at, 'keep', keep, 'by', by)
if open then
  set_due(conversation, open, call('LLEN', P .. MESSAGES .. conversation), held, state, store_rules, store_ttl, now, db)
end
return { until_at, dropped }
