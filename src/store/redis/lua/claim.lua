#!lua flags=allow-oom
--[[
Claims what is due, under a lease. First at most one batch whose lease has ended: alone, so that a batch that kills
its processor does not use up the attempts of others. Then conversations that are due, up to a number of batches and
of bytes. Also returns the answers to check, and the time to the next thing to do.

A conversation that can't be read (a key of a foreign type) is put off and reported. It does not stop the others.

Every quiet gap ends with an `expired` event of its shadow key. If Redis still holds a shadow key alive that has ended
(see shadow.lua), the conversation stays in the due set and the reply says 0 ms: the next claim takes it. That costs
a batch one command, PEXPIRETIME, and saves it a DEL; a batch that is overdue by more than a second goes without.

KEYS  1 the prefix
ARGV  1 owner  2 max batches  3 max bytes  4 lease  5 max attempts  6 header TTL  7 check interval
      8 answer timeout  9 database number  10 to 17 the store's rules (rules.lua)
      18 the longest time to a due time that any rules allow
Returns { batches, checks, dead, troubles, ms to the next thing to do or -1 }
      a batch: { id, conversation, attempt, lease number, first at, last at, due at, released at, released by, ms late,
      'expired' | 'vanished' | '' (the header), lines of `<receivedAtMs> <json>`,
      ids of the batches that it supersedes, claimed at, its conversation's own rules as JSON or '' }
      a check: { id, conversation, ms since handover, worker's attempt or '', ms since it started or -1 }
      a dead batch: { id, conversation, error }      a trouble: { conversation or '', error, batch id or '' }
--]]
--- include "names"
--- include "now"
--- include "whole"
--- include "store-rules"
-- As text: Redis prints a number that a script gives it.
local ENDED_LEASES_A_CLAIM, LEASES_RENEWED_A_CLAIM, CHECKS_A_CLAIM = '10', '200', '200'
local PUT_OFF_MS = 30000
local FURTHEST_CHECK_MS = 60000
-- How far `TIME` may be ahead of the clock by which Redis judges expiry: usually some microseconds, and milliseconds
-- if the operating system runs something else in between.
local MOST_LAG_MS = 1000

local owner, max_batches, max_bytes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local lease_ms, max_attempts = tonumber(ARGV[4]), tonumber(ARGV[5])
local ttl, check_ms, answer_timeout, db = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9]
local longest_wait = tonumber(ARGV[10 + STORE_RULES])

local now = read_clock()
local now_text = whole(now)
local lease_end, header_end = whole(now + lease_ms), whole(now + lease_ms + ttl)
local batches, checks, dead, troubles = {}, {}, {}, {}
local bytes = 0

-- What there is to do is read before the first write, which also checks the types of these keys.

-- The times of the first members of DUE, CLAIMED and ANSWERING; nil for an empty set.
local firsts = {}

local function read_first(name)
  firsts[name] = tonumber(call('ZRANGE', P .. name, '0', '0', 'WITHSCORES')[2])
end

read_first(DUE)
read_first(CLAIMED)
read_first(ANSWERING)

-- Members of a sorted set whose time has come, each followed by its time.
local function members_due(name, count)
  if not firsts[name] or firsts[name] > now then return {} end
  return call('ZRANGE', P .. name, '-inf', now_text, 'BYSCORE', 'LIMIT', '0', count, 'WITHSCORES')
end

-- Members further ahead than the rules of this process allow, the furthest first. Either a process with other rules
-- has set them, or Redis's clock has stepped back since, and nobody knows how long they would wait.
local function members_too_far(name, count, furthest, ...)
  if not firsts[name] then return {} end
  return call('ZRANGE', P .. name, '+inf', '(' .. whole(now + furthest), 'BYSCORE', 'REV', 'LIMIT', '0', count, ...)
end

local function add_due_now(members, member)
  members[#members + 1] = member
  members[#members + 1] = now
end

-- True if the clock has stepped back since the conversation's time was set.
local function is_before_its_time(conversation)
  local first = redis.pcall('LINDEX', P .. MESSAGES .. conversation, 0)
  local header = redis.pcall('HMGET', P .. HEADER .. conversation, 'batchId', 'dueAtMs', 'lastAtMs')
  if type(first) ~= 'string' or header.err then return false end
  -- The time of a sealed batch was the present when it was set, and now it is ahead.
  local is_sealed = header[1] ~= string.match(first, '^%S+')
  return is_sealed or tonumber(header[2]) <= now or tonumber(header[3]) > now
end

local ended_leases = members_due(CLAIMED, ENDED_LEASES_A_CLAIM)
local leases_too_far = members_too_far(CLAIMED, LEASES_RENEWED_A_CLAIM, lease_ms)
local due = members_due(DUE, ARGV[2])
local due_too_far = members_too_far(DUE, ARGV[2], math.max(longest_wait, PUT_OFF_MS), 'WITHSCORES')
for i = 1, #due_too_far, 2 do
  -- A score that ends in a half is meant (schedule.lua).
  local is_meant = string.sub(due_too_far[i + 1], -2) == '.5'
  if not is_meant and is_before_its_time(due_too_far[i]) then add_due_now(due, due_too_far[i]) end
end
local to_check = members_due(ANSWERING, CHECKS_A_CLAIM)
for _, batch_id in ipairs(members_too_far(ANSWERING, CHECKS_A_CLAIM, FURTHEST_CHECK_MS)) do
  add_due_now(to_check, batch_id)
end

local function ms_to_first()
  local next_at
  for _, at in pairs(firsts) do next_at = math.min(at, next_at or at) end
  return next_at and math.max(math.ceil(next_at) - now, 0) or -1
end

-- Often another processor was faster. What follows costs time even if it is not called.
if #ended_leases + #leases_too_far + #due + #to_check == 0 then
  return { batches, checks, dead, troubles, ms_to_first() }
end

--- include "publish"
--- include "shadow"
--- include "record"
--- include "head-run"
--- include "push"
--- include "check-types"
--- include "error-text"
if #ended_leases + #due > 0 then check_types(HISTORY, DEAD) end

local store_rules = store_rules_at(10)

local function add_trouble(conversation, err, batch_id)
  troubles[#troubles + 1] = { conversation, err, batch_id or '' }
end

-- Adds `batch` (its claimed hash as a table) to the reply.
local function add_batch(batch_id, batch, late_ms, lost)
  batches[#batches + 1] = { batch_id, batch.conversationId, batch.attempt, batch.lease, batch.firstAtMs, batch.lastAtMs,
    batch.dueAtMs, batch.releasedAtMs, batch.releasedBy, late_ms, lost, batch.messages,
    batch.supersedes or '', now_text, batch.rules or '' }
  bytes = bytes + #batch.messages
end

local function end_leases()
  --- include "head"
  --- include "die"

  -- Starts a lease anew if Redis's clock has stepped back since: taking it for ended would hand its batch out twice.
  local function restart_lease(batch_id)
    local batch = redis.pcall('HMGET', P .. CLAIMED_BATCH .. batch_id, 'leasedAtMs', 'owner')
    if batch[1] and tonumber(batch[1]) > now then
      call('HSET', P .. CLAIMED_BATCH .. batch_id, 'leasedAtMs', now_text)
      call('ZADD', P .. CLAIMED, batch[2] == '' and now_text or lease_end, batch_id)
    end
  end

  -- A claimed batch as a table, and what waits behind it.
  local function read_claimed(batch_id)
    local batch = hash_of(P .. CLAIMED_BATCH .. batch_id)
    return batch, batch and head_of(batch.conversationId)
  end

  local function reclaim(batch_id, batch)
    batch.attempt, batch.lease, batch.owner = batch.attempt + 1, batch.lease + 1, owner
    call('HSET', P .. CLAIMED_BATCH .. batch_id,
      'attempt', batch.attempt, 'lease', batch.lease, 'owner', owner, 'leasedAtMs', now_text)
    call('ZADD', P .. CLAIMED, lease_end, batch_id)
    call('PEXPIREAT', P .. HEADER .. batch.conversationId, header_end, 'GT')
    add_batch(batch_id, batch, 0, '')
    record('reclaimed', batch_id, batch.conversationId, 'owner', owner, 'attempt', batch.attempt)
  end

  for _, batch_id in ipairs(leases_too_far) do restart_lease(batch_id) end

  local has_reclaimed = false
  for i = 1, #ended_leases, 2 do
    local batch_id = ended_leases[i]
    local ok, batch, head = pcall(read_claimed, batch_id)
    if not ok then
      add_trouble('', error_text(batch), batch_id)
      call('ZADD', P .. CLAIMED, now + PUT_OFF_MS, batch_id)
    elseif not batch then
      call('ZREM', P .. CLAIMED, batch_id)
    elseif tonumber(batch.attempt) >= max_attempts then
      local reason = batch.error or ('its lease ran out ' .. batch.attempt .. ' times')
      die(batch_id, batch, head, reason, now, db, store_rules)
      dead[#dead + 1] = { batch_id, batch.conversationId, reason }
    elseif not has_reclaimed then
      has_reclaimed = true
      reclaim(batch_id, batch)
    end
  end
end
if #ended_leases + #leases_too_far > 0 then end_leases() end

-- The fields that only some claimed batches have.
local NONE = {}
local function rare_fields(batch, open)
  local may_supersede = open and open.answering == 'supersede'
  if not may_supersede and not batch.committedAtMs and not batch.supersedes and not batch.rules then return NONE end
  local fields = {}
  local function add(name, value)
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
  if may_supersede and (batch.releasedBy == 'gap' or batch.releasedBy == 'early') then
    add('supersedable', '1')
  end
  if batch.supersedes then add('supersedes', batch.supersedes) end
  if batch.rules then add('rules', batch.rules) end
  if batch.committedAtMs then add('committedAtMs', batch.committedAtMs) end
  return fields
end

-- Returns an error as a table.
local function store_claimed(batch_id, batch, open)
  return redis.pcall('HSET', P .. CLAIMED_BATCH .. batch_id,
    'conversationId', batch.conversationId, 'attempt', batch.attempt, 'lease', batch.lease, 'owner', owner,
    'count', batch.count, 'firstAtMs', batch.firstAtMs, 'lastAtMs', batch.lastAtMs, 'dueAtMs', batch.dueAtMs,
    'releasedAtMs', now_text, 'leasedAtMs', now_text, 'releasedBy', batch.releasedBy, 'messages', batch.messages,
    unpack(rare_fields(batch, open)))
end

-- Conversations that leave the due set, leases as ZADD takes them, and what to record and publish of each claimed
-- batch.
local not_due, new_leases, released = {}, {}, {}

-- `no_shadow`: the shadow key does not exist.
local function claim_due(conversation, score, no_shadow)
  local ok, batch_id, open, lost, named, batch = pcall(head_run, conversation, score, ttl, now, store_rules)
  local written = ok and batch_id and store_claimed(batch_id, batch, open)
  if not ok or type(written) == 'table' then
    add_trouble(conversation, error_text(ok and written or batch_id))
    call('ZADD', P .. DUE, now + PUT_OFF_MS, conversation)
    return
  end
  not_due[#not_due + 1] = conversation
  if not batch_id then return end
  if open then
    call('DEL', P .. MESSAGES .. conversation, P .. HEADER .. conversation)
  else
    call('LTRIM', P .. MESSAGES .. conversation, batch.count, '-1')
    call('PEXPIREAT', P .. HEADER .. conversation, header_end, 'GT')
  end
  -- Redis announces a shadow key that has expired as `expired`, also if the command is DEL.
  if not no_shadow then call('DEL', P .. QUIET .. conversation) end
  call('SET', P .. HOLD .. conversation, batch_id)
  new_leases[#new_leases + 1] = lease_end
  new_leases[#new_leases + 1] = batch_id
  local late_ms = math.max(now - score, 0)
  add_batch(batch_id, batch, late_ms, lost)
  released[#released + 1] = { batch_id, batch, whole(late_ms), lost, named }
end

for i = 1, #due, 2 do
  if #batches >= max_batches or bytes >= max_bytes then break end
  local conversation, score = due[i], math.ceil(due[i + 1])
  local shadow_ends_at = score > now - MOST_LAG_MS and shadow_end(conversation)
  local is_still_alive = shadow_ends_at and shadow_ends_at >= 0 and shadow_ends_at < now
  if not is_still_alive then claim_due(conversation, score, shadow_ends_at == -2) end
end
push('ZADD', P .. CLAIMED, new_leases)
push('ZREM', P .. DUE, not_due)

-- Recorded and published last: if one of these commands fails (a user who may not publish, say), every batch is found
-- again.
local owner_json = cjson.encode(owner)
for _, release in ipairs(released) do
  local batch_id, batch, late_text, lost, named = unpack(release)
  local conversation = batch.conversationId
  if lost == 'vanished' then record('vanished', batch_id, conversation, 'count', batch.count) end
  local silence = batch.dueAtMs - batch.lastAtMs
  local why = { rule_fields(batch.rules, named[4] or batch.releasedBy, store_rules, silence) }
  if batch.releasedBy == 'early' then
    why[#why + 1] = 'dueInMs'
    why[#why + 1] = whole(batch.dueAtMs - now)
  end
  record('claimed', batch_id, conversation, 'owner', owner, 'reason', batch.releasedBy, 'count', batch.count,
    'lateMs', late_text, 'ids', named[1], 'at', named[2], 'firstAtMs', named[3],
    unpack(why))
  notify(BATCH_RELEASED, conversation, batch_id, ',"count":', batch.count, ',"releasedBy":"', batch.releasedBy,
    '","lateMs":', late_text, ',"processor":', owner_json)
end

local function check_answers()
  --- include "next-check"

  -- Sets the next check, and keeps the header of the open batch behind the hold until then.
  local function check_answer(batch_id, conversation, handed_over_at, worker_attempt, started_at)
    if started_at and started_at > now then -- Redis's clock has stepped back: the answer timeout begins anew.
      started_at = now
      call('HSET', P .. HANDED_OVER .. batch_id, 'workerStartedAtMs', now_text)
    end
    local again = next_check(now, check_ms)
    if started_at and started_at + answer_timeout > now then again = math.min(again, started_at + answer_timeout) end
    call('ZADD', P .. ANSWERING, whole(again), batch_id)
    call('PEXPIREAT', P .. HEADER .. conversation, whole(again + ttl), 'GT')
    checks[#checks + 1] = { batch_id, conversation, math.max(now - handed_over_at, 0), worker_attempt or '',
      started_at and math.max(now - started_at, 0) or -1 }
  end

  for i = 1, #to_check, 2 do
    local batch_id = to_check[i]
    local handed = redis.pcall('HMGET', P .. HANDED_OVER .. batch_id,
      'conversationId', 'handedOverAtMs', 'workerAttempt', 'workerStartedAtMs')
    if handed.err then
      add_trouble('', handed.err, batch_id)
      call('ZADD', P .. ANSWERING, now + PUT_OFF_MS, batch_id)
    elseif not handed[1] then
      call('ZREM', P .. ANSWERING, batch_id)
    else
      check_answer(batch_id, handed[1], tonumber(handed[2]), handed[3], tonumber(handed[4]))
    end
  end
end
if #to_check > 0 then check_answers() end

local has_ended = #ended_leases + #leases_too_far > 0
if has_ended or #due > 0 then read_first(DUE) end
if has_ended then
  read_first(CLAIMED)
elseif #new_leases > 0 then
  firsts[CLAIMED] = math.min(firsts[CLAIMED] or math.huge, now + lease_ms)
end
if #to_check > 0 then read_first(ANSWERING) end
return { batches, checks, dead, troubles, ms_to_first() }
