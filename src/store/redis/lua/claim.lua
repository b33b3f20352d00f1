#!lua flags=allow-oom
--[[
Takes what is due, under a lease: first at most one batch whose lease has ended (alone, so that a batch that kills its
processor does not use up the attempts of others), then conversations that are due, up to a number of batches and of
bytes. Answers with them, with the answers that want checking, and with the time to the next thing to do.

A conversation that cannot be read (a key of a foreign type) is put off and reported; it stops nobody else.

Every quiet gap ends with an `expired` event of its shadow key. Where Redis still holds a shadow key alive that has ended
(see schedule.lua), the conversation stays in the due set, and the reply says 0 ms: the next claim takes it. That costs a
batch one more command, PEXPIRETIME, and a batch that is overdue by more than a second none.

KEYS  1 the prefix
ARGV  1 owner  2 max batches  3 max bytes  4 lease  5 max attempts  6 max wait  7 header TTL  8 check interval
      9 answer timeout  10 database number
Returns { batches, checks, dead, troubles, ms to the next thing to do or -1 }
      a batch: { id, conversation, attempt, lease number, first at, last at, due at, released at, released by, ms late,
      'expired' | 'vanished' | '', lines of `<receivedAtMs> <json>` }
      a check: { id, conversation, ms since handover, take or '', ms since that take or -1 }
      a dead one: { id, conversation, error }      a trouble: { conversation or '', error, batch id or '' }
--]]
--- include "now"
--- include "entry"
--- include "head"
--- include "die"
--- include "next-check"
--- include "push"
--- include "error-text"
local ENDED_LEASES_A_CLAIM = 10
local LEASES_RENEWED_A_CLAIM = 200
local CHECKS_A_CLAIM = 200
local RUN_STEP = 100
local PUT_OFF_MS = 30000
local FURTHEST_CHECK_MS = 60000
-- How far `TIME` may be ahead of the clock by which Redis judges expiry (see schedule.lua): usually some microseconds, and
-- milliseconds if the operating system runs something else in between.
local MOST_LAG_MS = 1000

local owner, max_batches, max_bytes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local lease_ms, max_attempts, max_wait = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local ttl, check_ms, answer_timeout, db = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[10]

local now = read_clock()
local now_text = whole(now)
local batches, checks, dead, troubles = {}, {}, {}, {}
local bytes = 0

-- Members of a zset of deadlines that have passed, with their times.
local function passed(name, count)
  return redis.call('ZRANGE', P .. name, '-inf', now, 'BYSCORE', 'LIMIT', 0, count, 'WITHSCORES')
end

-- Those that are further ahead than the rules of this process allow, the furthest first: set by a process with other
-- rules, or before Redis's clock stepped back. In the latter case nobody knows how long they would wait.
local function beyond(name, count, furthest)
  return redis.call('ZRANGE', P .. name, '+inf', '(' .. now + furthest, 'BYSCORE', 'REV', 'LIMIT', 0, count)
end

local function add_passed(members, member)
  members[#members + 1] = member
  members[#members + 1] = now
end

local function trouble(conversation, err, batch_id)
  troubles[#troubles + 1] = { conversation, err, batch_id or '' }
end

-- All types are checked before the first write, and what a batch needs to be found again is written before anything is said
-- of it (a user without the right to publish, say, must not lose it): those of all keys that are shared by conversations here.
local leased = passed(CLAIMED, ENDED_LEASES_A_CLAIM)
local leased_beyond = beyond(CLAIMED, LEASES_RENEWED_A_CLAIM, lease_ms)
local due = passed(DUE, max_batches)
for _, conversation in ipairs(beyond(DUE, max_batches, math.max(max_wait, PUT_OFF_MS))) do
  local first = redis.pcall('LINDEX', P .. MESSAGES .. conversation, 0)
  local header = redis.pcall('HMGET', P .. HEADER .. conversation, 'batchId', 'dueAtMs', 'lastAtMs')
  if type(first) == 'string' and not header.err then
    local open = header[1] == string.match(first, '^%S+')
    -- One that is sealed was due in the moment its time was set, so that moment is ahead of the clock now.
    if not open or tonumber(header[2]) <= now or tonumber(header[3]) > now then add_passed(due, conversation) end
  end
end
local unchecked = passed(ANSWERING, CHECKS_A_CLAIM)
for _, batch_id in ipairs(beyond(ANSWERING, CHECKS_A_CLAIM, FURTHEST_CHECK_MS)) do add_passed(unchecked, batch_id) end
if #leased + #due > 0 then
  redis.call('XLEN', P .. HISTORY)
  redis.call('HLEN', P .. DEAD)
end

-- Hands `batch` (a claimed hash as a table) out to the owner.
local lease_end, header_end = whole(now + lease_ms), whole(now + lease_ms + ttl)
local function lease(batch_id, batch, late_ms, lost)
  batches[#batches + 1] = { batch_id, batch.conversationId, batch.attempt, batch.lease, batch.firstAtMs, batch.lastAtMs,
    batch.dueAtMs, batch.releasedAtMs, batch.releasedBy, late_ms, lost, batch.messages }
  bytes = bytes + #batch.messages
end

-- Leases from before Redis's clock stepped back begin anew: to call them ended would hand their batches out twice.
for _, batch_id in ipairs(leased_beyond) do
  local batch = redis.pcall('HMGET', P .. CLAIMED_BATCH .. batch_id, 'leasedAtMs', 'owner')
  if batch[1] and tonumber(batch[1]) > now then
    redis.call('HSET', P .. CLAIMED_BATCH .. batch_id, 'leasedAtMs', now)
    redis.call('ZADD', P .. CLAIMED, batch[2] == '' and now or now + lease_ms, batch_id)
  end
end

-- Ended leases.
local reclaimed = false
for i = 1, #leased, 2 do
  local batch_id = leased[i]
  local ok, batch, head = pcall(function()
    local batch = hash_of(P .. CLAIMED_BATCH .. batch_id)
    return batch, batch and head_of(batch.conversationId)
  end)
  if not ok then
    trouble('', error_text(batch), batch_id)
    redis.call('ZADD', P .. CLAIMED, now + PUT_OFF_MS, batch_id)
  elseif not batch then
    redis.call('ZREM', P .. CLAIMED, batch_id)
  elseif tonumber(batch.attempt) >= max_attempts then
    local reason = batch.error or ('its lease ran out ' .. batch.attempt .. ' times')
    die(batch_id, batch, head, reason, now, db)
    dead[#dead + 1] = { batch_id, batch.conversationId, reason }
  elseif not reclaimed then
    reclaimed = true
    batch.attempt, batch.lease, batch.owner = batch.attempt + 1, batch.lease + 1, owner
    redis.call('HSET', P .. CLAIMED_BATCH .. batch_id,
      'attempt', batch.attempt, 'lease', batch.lease, 'owner', owner, 'leasedAtMs', now_text)
    redis.call('ZADD', P .. CLAIMED, lease_end, batch_id)
    redis.call('PEXPIREAT', P .. HEADER .. batch.conversationId, header_end, 'GT')
    lease(batch_id, batch, 0, '')
    record('reclaimed', batch_id, batch.conversationId, 'owner', owner, 'attempt', batch.attempt)
  end
end

local owner_json = cjson.encode(owner)

-- The head run of a conversation: its batch, as a claimed hash, and what is left behind it. Only reads.
local function head_run(conversation, score)
  local header = redis.call('HMGET', P .. HEADER .. conversation,
    'batchId', 'firstAtMs', 'lastAtMs', 'dueAtMs', 'dueBy')
  local batch_id, reason, due_at, first_at, last_at
  local lines, ids, times, position, ended = {}, {}, {}, 0, false
  while not ended do
    local entries = redis.call('LRANGE', P .. MESSAGES .. conversation, position, position + RUN_STEP - 1)
    for _, entry in ipairs(entries) do
      local id, received_at, seal, json_begins = string.match(entry, ENTRY)
      batch_id = batch_id or id
      if id ~= batch_id then
        ended = true
        break
      end
      first_at, last_at = first_at or received_at, received_at
      position = position + 1
      lines[position] = seal == '' and string.sub(entry, #id + 2) or received_at .. ' ' .. string.sub(entry, json_begins)
      if position <= IDS_RECORDED then
        ids[position] = recorded_id(entry, json_begins)
        times[position] = received_at == first_at and '0' or whole(received_at - first_at)
      end
      if seal ~= '' then
        reason, due_at = string.match(seal, SEAL)
        ended = true
        break
      end
    end
    if #entries < RUN_STEP then ended = true end
  end
  if not batch_id then return nil end
  local named = { '[' .. table.concat(ids, ',') .. ']', '[' .. table.concat(times, ',') .. ']', first_at }
  local open, lost = header[1] == batch_id, ''
  if open then
    first_at, last_at, due_at, reason = header[2], header[3], header[4], header[5] or 'gap'
  elseif not reason then
    reason, due_at = 'recovery', score
    lost = tonumber(last_at) + ttl > now and 'vanished' or 'expired'
  end
  return batch_id, open, lost, named, {
    conversationId = conversation, attempt = '1', lease = '1', count = whole(position),
    firstAtMs = first_at, lastAtMs = last_at, dueAtMs = due_at, releasedAtMs = now_text,
    releasedBy = reason, messages = table.concat(lines, '\n'),
  }
end

-- Returns an error as a table.
local function store_claimed(batch_id, batch)
  return redis.pcall('HSET', P .. CLAIMED_BATCH .. batch_id,
    'conversationId', batch.conversationId, 'attempt', batch.attempt, 'lease', batch.lease, 'owner', owner,
    'count', batch.count, 'firstAtMs', batch.firstAtMs, 'lastAtMs', batch.lastAtMs, 'dueAtMs', batch.dueAtMs,
    'releasedAtMs', now_text, 'leasedAtMs', now_text, 'releasedBy', batch.releasedBy, 'messages', batch.messages)
end

-- What is due.
local gone, leases, sayings = {}, {}, {}

local function claim_due(conversation, score)
  local ok, batch_id, open, lost, named, batch = pcall(head_run, conversation, score)
  local claimed = ok and batch_id and store_claimed(batch_id, batch)
  if not ok or type(claimed) == 'table' then
    trouble(conversation, error_text(ok and claimed or batch_id))
    redis.call('ZADD', P .. DUE, now + PUT_OFF_MS, conversation)
  elseif not batch_id then
    gone[#gone + 1] = conversation
  else
    -- Redis announces a shadow key as expired when a command meets it: this DEL, if none did before.
    if open then
      redis.call('DEL', P .. MESSAGES .. conversation, P .. HEADER .. conversation, P .. QUIET .. conversation)
    else
      redis.call('LTRIM', P .. MESSAGES .. conversation, batch.count, -1)
      redis.call('PEXPIREAT', P .. HEADER .. conversation, header_end, 'GT')
      redis.call('DEL', P .. QUIET .. conversation)
    end
    redis.call('SET', P .. HOLD .. conversation, batch_id)
    gone[#gone + 1] = conversation
    leases[#leases + 1] = lease_end
    leases[#leases + 1] = batch_id
    local late_ms = math.max(now - score, 0)
    local late_text = whole(late_ms)
    lease(batch_id, batch, late_ms, lost)
    sayings[#sayings + 1] = { batch_id, conversation, lost, batch, late_text, named }
  end
end

for i = 1, #due, 2 do
  if #batches >= max_batches or bytes >= max_bytes then break end
  local conversation, score = due[i], tonumber(due[i + 1])
  if score <= now - MOST_LAG_MS or not is_shadow_late(conversation, now) then claim_due(conversation, score) end
end
push('ZADD', P .. CLAIMED, leases)
push('ZREM', P .. DUE, gone)
for _, saying in ipairs(sayings) do
  local batch_id, conversation, lost, batch, late_text, named = unpack(saying)
  if lost == 'vanished' then record('vanished', batch_id, conversation, 'count', batch.count) end
  record('claimed', batch_id, conversation, 'owner', owner, 'reason', batch.releasedBy, 'count', batch.count,
    'lateMs', late_text, 'ids', named[1], 'at', named[2], 'firstAtMs', named[3])
  announce(BATCH_RELEASED, conversation, batch_id, ',"count":', batch.count, ',"releasedBy":"', batch.releasedBy,
    '","lateMs":', late_text, ',"processor":', owner_json)
end

-- Answers to check. A held conversation's open batch keeps its header meanwhile.
for i = 1, #unchecked, 2 do
  local batch_id = unchecked[i]
  local handed = redis.pcall('HMGET', P .. HANDED_OVER .. batch_id, 'conversationId', 'handedOverAtMs', 'take', 'takenAtMs')
  if handed.err then
    trouble('', handed.err, batch_id)
    redis.call('ZADD', P .. ANSWERING, now + PUT_OFF_MS, batch_id)
  elseif not handed[1] then
    redis.call('ZREM', P .. ANSWERING, batch_id)
  else
    local taken_at = tonumber(handed[4])
    if taken_at and taken_at > now then -- Before Redis's clock stepped back: the answer timeout begins anew.
      taken_at = now
      redis.call('HSET', P .. HANDED_OVER .. batch_id, 'takenAtMs', now)
    end
    local again = next_check(now, check_ms)
    if taken_at and taken_at + answer_timeout > now then again = math.min(again, taken_at + answer_timeout) end
    redis.call('ZADD', P .. ANSWERING, again, batch_id)
    redis.call('PEXPIREAT', P .. HEADER .. handed[1], again + ttl, 'GT')
    checks[#checks + 1] = { batch_id, handed[1], math.max(now - tonumber(handed[2]), 0), handed[3] or '',
      taken_at and math.max(now - taken_at, 0) or -1 }
  end
end

local next_at
for _, name in ipairs({ DUE, CLAIMED, ANSWERING }) do
  local first = redis.call('ZRANGE', P .. name, 0, 0, 'WITHSCORES')
  if first[2] and (not next_at or tonumber(first[2]) < next_at) then next_at = tonumber(first[2]) end
end
return { batches, checks, dead, troubles, next_at and math.max(next_at - now, 0) or -1 }
