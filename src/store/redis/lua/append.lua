#!lua
--[[
Appends messages to conversations, each request by itself: opens a batch or adds to the open one, seals it where a cap is
reached, and sets when the conversation may go. One call serves all requests that were waiting for it, since a call costs
more than what it does for one message. A request that meets a key of a foreign type changes nothing, and stops no other.
Has no `allow-oom`: with memory full it is refused before it starts.

KEYS  1 the prefix
ARGV  1 quiet gap  2 max wait  3 header TTL  4 max messages  5 max bytes  6 how long ids are remembered  7 max age or 0
      8 database number  9 id for the first batch that is opened (further ones get `<id>-2`, `<id>-3`, ...)
      then for each request: conversation, '1': direct, each message a sealed batch of its own, how many messages
      and for each of these: digest of its id, the message as JSON, its send time or ''
Returns { processors that listen, then for each request { accepted, duplicates, too old, batch id or '', ms until it is due
      or -1 }, or its error as text }
--]]
--- include "now"
--- include "entry"
--- include "hold"
--- include "schedule"
--- include "record"
--- include "push"
--- include "seen"
--- include "error-text"
local FIRST_REQUEST, ARGS_BEFORE_MESSAGES, ARGS_PER_MESSAGE = 10, 3, 3
local FORGET_EVERY = 100

local call = redis.call

local gap, max_wait, ttl = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local max_messages, max_bytes = tonumber(ARGV[4]), tonumber(ARGV[5])
local dedupe, max_age, db, new_id = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8], ARGV[9]

local now = read_clock()
local now_text = whole(now)
-- What all requests write to.
local first_that_waits = first_due()
call('XLEN', P .. HISTORY)

-- What is due later than now, and what now, as ZADD takes it; and the request of it that is due first.
local later, at_once = {}, {}
local next_at, next_conversation, next_batch

local ids_used = 0

-- The plan of one request: which entries are pushed, what the history says, what is open in the end.
local entries, steps, sealed, opened
local noted -- ids of it that are noted as seen, while its messages are not in the list yet
local open_id, count, bytes, first_at, added -- the batch that collects; no id: none does
local opening -- its step in the history, if this request opened it
local resealed -- why a batch that was open before is sealed without a message of this call

local function open_batch(json)
  opened, ids_used = opened + 1, ids_used + 1
  open_id = ids_used == 1 and new_id or new_id .. '-' .. whole(ids_used)
  count, bytes, first_at, added = 0, 0, now, 0
  opening = { 'opened', open_id, 'ids', '[' .. recorded_id(json, 1) .. ']', 'count' }
  steps[#steps + 1] = opening
end

-- Of the messages that opened it the history names the first; `claimed` will name all.
local function opened_with()
  if opening then opening[6] = whole(count) end
  opening = nil
end

local function seal(reason)
  opened_with()
  if added > 0 then
    local id, received_at, _, json = read_entry(entries[#entries])
    entries[#entries] = id .. ' ' .. sealed_word(received_at, reason, now_text) .. ' ' .. json
  else
    resealed = reason
  end
  steps[#steps + 1] = { 'sealed', open_id, 'reason', reason, 'count', whole(count) }
  sealed = sealed + 1
  open_id = nil
end

-- Notes that the conversation may go at `at` (see schedule.lua): all of a call go into the due set together.
local function due_at(conversation, at, batch_id)
  local when = at - 1 > now and later or at_once
  when[#when + 1] = whole(at)
  when[#when + 1] = conversation
  if not next_at or at < next_at then next_at, next_conversation, next_batch = at, conversation, batch_id end
end

-- A request's messages stand in ARGV from `first` to `last`.
local function append(conversation, holder, direct, first, last)
  -- Read what is written below, and so fail on a foreign type before the first write. (The shadow key is a string, that
  -- any type gives way to; the ids and the messages are written first.)
  local header_key, messages_key = P .. HEADER .. conversation, P .. MESSAGES .. conversation
  local header = call('HMGET', header_key, 'batchId', 'count', 'bytes', 'firstAtMs', 'dueBy')
  local held_until, stale = hold_until(holder)

  entries, steps, sealed, opened, noted, open_id, opening, resealed = {}, {}, 0, 0, {}, nil, nil, nil
  count, bytes, first_at, added = tonumber(header[2]), tonumber(header[3]), tonumber(header[4]), 0
  local had, had_count, had_bytes = count and bytes and first_at and header[1], count, bytes
  open_id = had or nil
  local overdue = had and now >= first_at + max_wait
  local duplicates, too_old, last_id = 0, 0, nil
  for i = first, last, ARGS_PER_MESSAGE do
    local digest, json, sent_at = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    if max_age > 0 and sent_at ~= '' and tonumber(sent_at) < now - max_age then
      if is_seen(conversation, digest, now - dedupe) then duplicates = duplicates + 1 else too_old = too_old + 1 end
    elseif not see(conversation, digest, now, dedupe) then
      duplicates = duplicates + 1
    else
      noted[#noted + 1] = digest
      if open_id and direct then seal('direct') end
      if not open_id then open_batch(json) end
      entries[#entries + 1] = open_id .. ' ' .. now_text .. ' ' .. json
      last_id, count, bytes, added = open_id, count + 1, bytes + #json, added + 1
      if direct then
        seal('direct')
      elseif count >= max_messages then
        seal('maxMessages')
      elseif bytes >= max_bytes then
        seal('maxBytes')
      end
    end
  end

  if #entries == 0 then
    if not open_id then return { 0, duplicates, too_old, '', -1 } end
    return { 0, duplicates, too_old, open_id, math.max((call('HGET', header_key, 'dueAtMs') or now) - now, 0) }
  end
  opened_with()

  -- Write the messages, then all else. Whatever fails on the way, what is in the list will be claimed, and what is not may
  -- come again.
  if stale then call('DEL', P .. HOLD .. conversation) end
  if resealed then
    local id, received_at, _, json = read_entry(call('LINDEX', messages_key, -1) or '')
    if json then call('LSET', messages_key, -1, id .. ' ' .. sealed_word(received_at, resealed, now_text) .. ' ' .. json) end
  end
  local waiting = push('RPUSH', messages_key, entries) - #entries
  noted = {}
  local open_is_head = waiting == 0 or (had and had_count == waiting)
  local due = open_id and math.min(now + gap, first_at + max_wait) or now
  local at = (open_id and open_is_head and sealed == 0) and due or now
  if not held_until then
    due_at(conversation, at, open_id or last_id)
    -- A shadow that is there is moved for half of what it costs to set one.
    local is_moved = open_id == had and at - 1 > now and call('PEXPIREAT', P .. QUIET .. conversation, whole(at - 1)) == 1
    if not is_moved then shadow(conversation, at, now) end
  end

  if open_id then
    if open_id == had then
      -- The messages that the header tells of were taken away, by a hand that is not Lull's.
      if waiting == 0 then count, bytes = added, bytes - had_bytes end
      call('HSET', header_key, 'count', whole(count), 'bytes', whole(bytes), 'lastAtMs', now_text, 'dueAtMs', whole(due))
    else
      call('HSET', header_key, 'batchId', open_id, 'count', whole(count), 'bytes', whole(bytes),
        'firstAtMs', whole(first_at), 'lastAtMs', now_text, 'dueAtMs', whole(due))
    end
    local due_by = due < now + gap and 'maxWait' or 'gap' -- which is understood where there is none
    if due_by ~= (header[5] or 'gap') then call('HSET', header_key, 'dueBy', due_by) end
    -- Whatever holds the conversation prolongs the header when it is prolonged itself: until then it must live.
    call('PEXPIREAT', header_key, whole(math.max(now, held_until or now) + ttl))
  elseif header[1] then
    call('DEL', header_key)
  end
  -- Ids are forgotten, and their key is kept, seldom: when a batch opens, while one waits beyond its time, each so many
  -- messages. (A key that a foreign hand deletes meanwhile has no TTL until then.)
  if opened > 0 or overdue or math.floor(waiting / FORGET_EVERY) < math.floor((waiting + #entries) / FORGET_EVERY) then
    forget_seen(conversation, now - dedupe, FORGET_EVERY + #entries, now + dedupe + max_wait)
  end

  for _, step in ipairs(steps) do record(step[1], step[2], conversation, unpack(step, 3)) end
  local due_in = math.max(due - now, 0)
  if is_heard(BATCH_UPDATED) then
    publish(BATCH_UPDATED, conversation, open_id or last_id,
      ',"count":', whole(open_id and count or waiting + #entries),
      ',"dueInMs":', whole(held_until and due_in or math.max(at - now, 0)), held_until and ',"held":true' or '', ',"db":', db,
      open_id and open_id == had and ',"added":' .. whole(added) .. ',"atMs":' .. now_text or '')
  end
  return { #entries, duplicates, too_old, last_id, due_in }
end

local requests, holds = {}, {}
local i = FIRST_REQUEST
while i <= #ARGV do
  requests[#requests + 1] = i
  holds[#holds + 1] = P .. HOLD .. ARGV[i]
  i = i + ARGS_BEFORE_MESSAGES + ARGV[i + 2] * ARGS_PER_MESSAGE
end
local holders = call('MGET', unpack(holds))

local replies = {}
for n, at in ipairs(requests) do
  local first, last = at + ARGS_BEFORE_MESSAGES, (requests[n + 1] or #ARGV + 1) - 1
  noted = {}
  local ok, reply = pcall(append, ARGV[at], holders[n], ARGV[at + 1] == '1', first, last)
  -- What was not stored is not seen: it will come again.
  for _, digest in ipairs(noted) do redis.pcall('ZREM', P .. SEEN .. ARGV[at], digest) end
  replies[n] = ok and reply or error_text(reply)
end

push('ZADD', P .. DUE, later)
if #at_once > 0 then call('ZADD', P .. DUE, 'LT', unpack(at_once)) end
if next_at then tell_due(first_that_waits, next_at, now, next_conversation, next_batch, db) end
-- Whoever subscribes to this channel by its name works here; whoever watches by a pattern does not.
return { call('PUBSUB', 'NUMSUB', P .. NEXT_DUE)[2], unpack(replies) }
