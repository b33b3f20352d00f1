#!lua flags=allow-oom
--[[
Commits a batch: from here on nothing supersedes it. Granted to a batch that holds its conversation, from its due time
on. It stays committed through a nack, the end of its lease, its death and its redrive. Also granted to a dead batch,
which its receiver may have all the same: the reply to the handover was lost.

KEYS  1 the prefix
ARGV  1 batch id  2 the longest time to a due time that any rules allow
Returns { 'go' }, { 'go', 1 } if it was committed before, { 'wait', ms until it is due }, { 'superseded', the batch that
      replaced it or '' }, { 'answered' } or { 'unknown' }
--]]
--- include "names"
--- include "now"
--- include "record"
--- include "check-types"
local batch_id, longest_wait = ARGV[1], tonumber(ARGV[2])
-- A handed-over batch without what only a batch needs that can be superseded.
local KEPT = { 'conversationId', 'handedOverAtMs', 'owner', 'lastAtMs', 'workerAttempt', 'workerStartedAtMs' }

local function batch_from(key, conversation, committed_at, due_at, rules)
  local own = rules and cjson.decode(rules) or {}
  return { key = key, conversation = conversation, committed = committed_at, due_at = tonumber(due_at),
    longest_wait = math.max(own.maxWaitMs or 0, own.holdMaxMs or 0) }
end

local function read(key)
  local fields = call('HMGET', key, 'committedAtMs', 'dueAtMs', 'rules', unpack(KEPT))
  local committed_at, due_at, rules, conversation = unpack(fields)
  if not conversation then return nil end
  local batch = batch_from(key, conversation, committed_at, due_at, rules)
  batch.kept = { unpack(fields, #fields - #KEPT + 1) }
  return batch
end

-- A batch that holds its conversation, or nil.
local function read_holder()
  local batch = read(P .. CLAIMED_BATCH .. batch_id) or read(P .. HANDED_OVER .. batch_id)
  return batch and call('GET', P .. HOLD .. batch.conversation) == batch_id and batch or nil
end

local function read_dead()
  local json = call('HGET', P .. DEAD, batch_id)
  local dead = json and cjson.decode(json)
  if not dead then return nil end
  local batch = batch_from(P .. DEAD, dead.conversationId, dead.committedAtMs, dead.dueAtMs, dead.rules)
  batch.dead = dead
  return batch
end

local function mark_committed(batch, now)
  if batch.dead then
    batch.dead.committedAtMs, batch.dead.supersedable = now, nil
    call('HSET', P .. DEAD, batch_id, cjson.encode(batch.dead))
  elseif batch.key == P .. HANDED_OVER .. batch_id then
    -- Written anew, which halves its memory: Redis keeps a hash of few small fields compact, but not one that was
    -- large before.
    local fields = { 'committedAtMs', now }
    for i, name in ipairs(KEPT) do
      if batch.kept[i] then fields[#fields + 1], fields[#fields + 2] = name, batch.kept[i] end
    end
    call('DEL', batch.key)
    call('HSET', batch.key, unpack(fields))
  else
    call('HSET', batch.key, 'committedAtMs', now)
    call('HDEL', batch.key, 'supersedable')
  end
end

local now = read_clock()
check_types(HISTORY)
local batch = read_holder() or read_dead()
if not batch then
  local state, by = string.match(call('GET', P .. ENDED .. batch_id) or 'unknown', '^(%a+) ?(%S*)$')
  return { state, by }
end
if batch.committed then
  -- Written again, so that a WAIT behind this call counts: the one behind the first may have fallen short.
  if batch.dead then
    mark_committed(batch, batch.committed)
  else
    call('HSET', batch.key, 'committedAtMs', batch.committed)
  end
  return { 'go', 1 }
end
local wait = (batch.due_at or now) - now
-- A due time further ahead than any setting allows: Redis's clock was set back.
if wait > 0 and wait <= math.max(longest_wait, batch.longest_wait) then return { 'wait', wait } end

mark_committed(batch, now)
record('committed', batch_id, batch.conversation)
return { 'go' }
