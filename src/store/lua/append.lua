#!lua
--[[
Appends messages to a conversation: opens a batch or adds to the open one, seals it where a cap is reached, and sets
when the conversation may go. Has no `allow-oom`: with memory full it is refused before it starts.

KEYS  1 the prefix
ARGV  1 conversation  2 id for a batch that is opened (further ones get `<id>-2`, `<id>-3`, ...)  3 quiet gap
      4 max wait  5 header TTL  6 max messages  7 max bytes  8 how long ids are remembered  9 max age or 0
      10 '1': direct, each message a sealed batch of its own  11 database number
      then four for each message: digest of its id, its id as JSON, the message as JSON, its send time or ''
Returns { accepted, duplicates, too old, batch id or '', ms until it is due or -1, listeners or -1 }
--]]
--- include "now"
--- include "entry"
--- include "hold"
--- include "schedule"
--- include "announce"
--- include "record"
--- include "push"
local ARGS_BEFORE, ARGS_PER_MESSAGE = 11, 4
local IDS_RECORDED = 20

local conversation, seed_id = ARGV[1], ARGV[2]
local gap, max_wait, ttl = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local max_messages, max_bytes = tonumber(ARGV[6]), tonumber(ARGV[7])
local dedupe, max_age, direct, db = tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[10] == '1', ARGV[11]

-- Read everything that is written below, and so fail on a foreign type before the first write. (The history is written
-- first; the shadow key is a string, that any type gives way to.)
local now = read_clock()
local header = redis.call('HMGET', P .. HEADER .. conversation, 'batchId', 'count', 'bytes', 'firstAtMs', 'dueAtMs')
local waiting = redis.call('LLEN', P .. MESSAGES .. conversation)
redis.call('ZCARD', P .. DUE)
local held, held_until = hold_of(conversation)
local digests = {}
for i = ARGS_BEFORE + 1, #ARGV, ARGS_PER_MESSAGE do digests[#digests + 1] = ARGV[i] end
local seen_at = {}
for i = 1, #digests, 1000 do
  local scores = redis.call('ZMSCORE', P .. SEEN .. conversation, unpack(digests, i, math.min(i + 999, #digests)))
  for j = 1, #scores do seen_at[i + j - 1] = tonumber(scores[j]) end
end

-- Plan: which entries are pushed, which batches open and seal, what the history says.
local open -- the batch that collects
if header[1] and waiting > 0 then
  open = { id = header[1], count = tonumber(header[2]), bytes = tonumber(header[3]), first = tonumber(header[4]), new = {} }
end
local open_is_head = waiting == 0 or (open ~= nil and open.count == waiting)
local entries, steps, marks = {}, {}, {}
local opened, sealed, duplicates, too_old = 0, 0, 0, 0
local last_id

local function open_batch()
  opened = opened + 1
  open = { id = opened == 1 and seed_id or seed_id .. '-' .. opened, count = 0, bytes = 0, first = now, new = {}, opened = true }
end

local function step_of(batch)
  steps[#steps + 1] = { batch.opened and 'opened' or 'appended', batch.id,
    'count', batch.count, 'ids', '[' .. table.concat(batch.new, ',') .. ']' }
end

local last_json -- of the last entry
local resealed -- why a batch that was open before is sealed without a message of this call
local function seal(reason)
  if #open.new > 0 then
    step_of(open)
    entries[#entries] = open.id .. ' ' .. sealed_word(now, reason, now) .. ' ' .. last_json
  else
    resealed = reason
  end
  steps[#steps + 1] = { 'sealed', open.id, 'reason', reason, 'count', open.count }
  sealed = sealed + 1
  open = nil
end

local in_this_call = {}
for m = 1, #digests do
  local base = ARGS_BEFORE + (m - 1) * ARGS_PER_MESSAGE
  local digest, id, json, sent_at = ARGV[base + 1], ARGV[base + 2], ARGV[base + 3], tonumber(ARGV[base + 4])
  if in_this_call[digest] or (seen_at[m] and seen_at[m] > now - dedupe) then
    duplicates = duplicates + 1
  elseif max_age > 0 and sent_at and sent_at < now - max_age then
    too_old = too_old + 1
  else
    in_this_call[digest] = true
    marks[#marks + 1] = now
    marks[#marks + 1] = digest
    if open and direct then seal('direct') end
    if not open then open_batch() end
    entries[#entries + 1] = open.id .. ' ' .. now .. ' ' .. json
    last_json = json
    open.count = open.count + 1
    open.bytes = open.bytes + #json
    if #open.new < IDS_RECORDED then open.new[#open.new + 1] = id end
    last_id = open.id
    if direct then
      seal('direct')
    elseif open.count >= max_messages then
      seal('maxMessages')
    elseif open.bytes >= max_bytes then
      seal('maxBytes')
    end
  end
end

if #entries == 0 then
  if not open then return { 0, duplicates, too_old, '', -1, -1 } end
  return { 0, duplicates, too_old, open.id, math.max(tonumber(header[5]) - now, 0), -1 }
end

-- Write.
if open and #open.new > 0 then step_of(open) end
for _, step in ipairs(steps) do
  record(step[1], step[2], conversation, unpack(step, 3))
end
if resealed then
  local id, received_at, _, json = read_entry(redis.call('LINDEX', P .. MESSAGES .. conversation, -1))
  redis.call('LSET', P .. MESSAGES .. conversation, -1, id .. ' ' .. sealed_word(received_at, resealed, now) .. ' ' .. json)
end
push('RPUSH', P .. MESSAGES .. conversation, entries)

-- Forget the oldest ids in steps, always more than were added: a long tail cut in one go would block Redis.
local old = redis.call('ZRANGE', P .. SEEN .. conversation, '-inf', now - dedupe, 'BYSCORE', 'LIMIT', 0, #marks + 8)
if #old > 0 then push('ZREM', P .. SEEN .. conversation, old) end
push('ZADD', P .. SEEN .. conversation, marks)
redis.call('PEXPIREAT', P .. SEEN .. conversation, now + dedupe)

local due = now
if open then
  due = math.min(now + gap, open.first + max_wait)
  redis.call('HSET', P .. HEADER .. conversation, 'batchId', open.id, 'count', open.count, 'bytes', open.bytes,
    'firstAtMs', open.first, 'lastAtMs', now, 'dueAtMs', due, 'dueBy', due < now + gap and 'maxWait' or 'gap')
  -- Whatever holds the conversation prolongs the header when it is prolonged itself: until then it must live.
  redis.call('PEXPIREAT', P .. HEADER .. conversation, math.max(now, held_until or now) + ttl)
else
  redis.call('DEL', P .. HEADER .. conversation)
end

local at = (open and open_is_head and sealed == 0) and due or now
if not held then
  redis.call('DEL', P .. HOLD .. conversation)
  schedule(conversation, at, now)
end
local due_in = math.max(due - now, 0)
announce(BATCH_UPDATED, conversation, open and open.id or last_id,
  ',"count":' .. (open and open.count or waiting + #entries) ..
  ',"dueInMs":' .. (held and due_in or math.max(at - now, 0)) .. (held and ',"held":true' or '') .. ',"db":' .. db)
-- Whoever subscribes to the channel by its name works here; whoever watches by a pattern does not.
local listeners = redis.call('PUBSUB', 'NUMSUB', P .. BATCH_UPDATED)[2]
return { #entries, duplicates, too_old, last_id, due_in, listeners }
