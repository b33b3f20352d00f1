#!lua
--[[
Takes in what `begin-move` has taken out of a conversation of another partition: does what `merge` does, once for each
move. The open batch gets an id of this partition. Has no `allow-oom`.

KEYS  1 the prefix
ARGV  1 from  2 into  3 header TTL  4 database number  5 to 12 the store's rules (rules.lua)  13 id of the move
      14 id for the batch that moves  15 how long the move is remembered  16 what moves, as JSON
Returns { how many messages moved, the batch that they joined or '' }, the same for each call; or 'later' if `into` is
      paused and sealed batches wait in it, or more messages than one script may read
--]]
--- include "names"
--- include "now"
--- include "entry"
--- include "recorded-id"
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
local moved_key, new_id, kept_ms = P .. MOVED .. ARGV[13], ARGV[14], ARGV[15]

local now = read_clock()

--- include "merging"
local before = call('GET', moved_key)
if before then
  -- A write, which replicas are waited for.
  call('PEXPIRE', moved_key, kept_ms)
  local count, batch_id = string.match(before, '^(%d+) (.*)$')
  return { tonumber(count), batch_id }
end

local moving = cjson.decode(ARGV[16])

-- The conversation as `read` returns it.
local function from_moving()
  local from = { waiting = #moving.list, runs = {}, seen = #moving.seen / 2 }
  if from.waiting == 0 then return from end
  local header, entries = moving.header, {}
  for i, entry in ipairs(moving.list) do entries[i] = new_id .. string.match(entry, '^%S+(.*)$') end
  from.due = tonumber(header.dueAtMs)
  from.open = { id = new_id, entries = entries, first_at = tonumber(header.firstAtMs),
    last_at = tonumber(header.lastAtMs), due_at = tonumber(header.dueAtMs), due_by = header.dueBy or 'gap',
    supersedes = header.supersedes, rules = header.rules, not_before = tonumber(header.notBeforeMs),
    waits_from = tonumber(header.waitsFromMs), ends_at = moving.headerEndsAtMs }
  return from
end

local function unite_seen()
  local key, flat = P .. SEEN .. into_id, {}
  for i = 1, #moving.seen, 2 do
    flat[i], flat[i + 1] = moving.seen[i + 1], moving.seen[i]
  end
  if #flat == 0 then return end
  local ends_at = math.max(call('PEXPIRETIME', key), moving.seenEndsAtMs)
  for i = 1, #flat, PUSH_STEP do
    call('ZADD', key, 'GT', unpack(flat, i, math.min(i + PUSH_STEP - 1, #flat)))
  end
  if ends_at > 0 then call('PEXPIREAT', key, ends_at) end
end

if call('LLEN', P .. MESSAGES .. into_id) > MOST_MESSAGES then return 'later' end
local from, into = from_moving(), read(into_id)
from_state, into_state = current_state(moving.state), current_state(call('GET', P .. STATE .. into_id))
if from_state and from.open then move_holds(from_state, moving.header.batchId, new_id) end
check_types(HISTORY, DUE, PAUSED)
local paused = paused_until(from_state, now) or paused_until(into_state, now)
if paused and #into.runs > 0 then return 'later' end

unite_seen()
if from.waiting == 0 then
  unite_states()
  write_known_alone(into)
  call('SET', moved_key, '0 ', 'PX', kept_ms)
  return { 0, '' }
end
local runs, open, sealed = plan_of(from, into, paused)
local batch_id = open and open.id or runs[1].id
unite_states()
hold_back(open, from.open, into.open)
local due_at = write_merged(from, into, runs, open, into.held_until)
if not into.open then
  local _, _, _, json = read_entry(from.open.entries[1])
  record('opened', new_id, into_id, 'ids', '[' .. recorded_id(json, 1) .. ']', 'count', from.waiting)
end
announce_merged(from, into, batch_id, open, sealed, into.held_until, due_at)
local joined = into.open and into.open.id or new_id
call('SET', moved_key, from.waiting .. ' ' .. joined, 'PX', kept_ms)
return { from.waiting, joined }
