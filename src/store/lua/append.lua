#!lua
--[[
Appends messages to conversations, each request by itself: opens a batch or adds to the open one, seals it where a cap is
reached, and sets when the conversation may go. One call serves all requests that were waiting for it, since a call costs
more than what it does for one message. A request that meets a key of a foreign type changes nothing, and stops no other.
Has no `allow-oom`: with memory full it is refused before it starts.

KEYS  1 the prefix
ARGV  1 quiet gap  2 max wait  3 header TTL  4 max messages  5 max bytes  6 how long ids are remembered  7 max age or 0
      8 database number
      then for each request: conversation, id for a batch that is opened (further ones get `<id>-2`, `<id>-3`, ...),
      '1': direct, each message a sealed batch of its own, how many messages
      and for each of these: digest of its id, the message as JSON, its send time or ''
Returns { listeners, then for each request { accepted, duplicates, too old, batch id or '', ms until it is due or -1 },
      or its error as text }
--]]
--- include "now"
--- include "entry"
--- include "hold"
--- include "schedule"
--- include "announce"
--- include "record"
--- include "push"
--- include "seen"
--- include "error-text"
local FIRST_REQUEST, ARGS_PER_MESSAGE = 9, 3
local FORGET_EVERY = 100

local call = redis.call

local gap, max_wait, ttl = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local max_messages, max_bytes = tonumber(ARGV[4]), tonumber(ARGV[5])
local dedupe, max_age, db = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]

local now = read_clock()
local now_text = whole(now)
-- What all requests write to.
call('ZCARD', P .. DUE)
call('XLEN', P .. HISTORY)

-- The plan of one request: which entries are pushed, what the history says, what is open in the end.
local entries, steps, sealed, opened
local noted -- ids of it that are noted as seen, while its messages are not in the list yet
local open_id, count, bytes, first_at, added -- the batch that collects; no id: none does
local opening -- its step in the history, if this request opened it
local resealed -- why a batch that was open before is sealed without a message of this call

local function open_batch(id, json)
  opened = opened + 1
  open_id, count, bytes, first_at, added = opened == 1 and id or id .. '-' .. opened, 0, 0, now, 0
  opening = { 'opened', open_id, 'ids', '[' .. recorded_id(json) .. ']', 'count' }
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

-- A request's messages stand in ARGV from `first` to `last`.
local function append(conversation, new_id, direct, first, last)
  -- Read what is written below, and so fail on a foreign type before the first write. (The shadow key is a string, that
  -- any type gives way to; the ids are written first.)
  local header_key, messages_key = P .. HEADER .. conversation, P .. MESSAGES .. conversation
  local header = call('HMGET', header_key, 'batchId', 'count', 'bytes', 'firstAtMs')
  local waiting = call('LLEN', messages_key)
  local held, held_until, stale = hold_of(conversation)

  entries, steps, sealed, opened, noted, open_id, opening, resealed = {}, {}, 0, 0, {}, nil, nil, nil
  count, bytes, first_at, added = tonumber(header[2]), tonumber(header[3]), tonumber(header[4]), 0
  local had = header[1] and waiting > 0 and count and bytes and first_at and header[1]
  open_id = had or nil
  local open_is_head = waiting == 0 or (open_id and count == waiting)
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
      if not open_id then open_batch(new_id, json) end
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

  -- Write: first that there is something to claim, then that, then all else. Whatever fails on the way, what is in the
  -- list will be claimed, and what is not may come again.
  local due = open_id and math.min(now + gap, first_at + max_wait) or now
  local at = (open_id and open_is_head and sealed == 0) and due or now
  if stale then call('DEL', P .. HOLD .. conversation) end
  if not held then schedule(conversation, at, now) end
  if resealed then
    local id, received_at, _, json = read_entry(call('LINDEX', messages_key, -1))
    if json then call('LSET', messages_key, -1, id .. ' ' .. sealed_word(received_at, resealed, now_text) .. ' ' .. json) end
  end
  push('RPUSH', messages_key, entries)
  noted = {}

  if open_id then
    local due_by = due < now + gap and 'maxWait' or 'gap'
    if open_id == had then
      call('HSET', header_key,
        'count', whole(count), 'bytes', whole(bytes), 'lastAtMs', now_text, 'dueAtMs', whole(due), 'dueBy', due_by)
    else
      call('HSET', header_key, 'batchId', open_id, 'count', whole(count), 'bytes', whole(bytes),
        'firstAtMs', whole(first_at), 'lastAtMs', now_text, 'dueAtMs', whole(due), 'dueBy', due_by)
    end
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
  announce(BATCH_UPDATED, conversation, open_id or last_id,
    ',"count":' .. whole(open_id and count or waiting + #entries) ..
    ',"dueInMs":' .. whole(held and due_in or math.max(at - now, 0)) .. (held and ',"held":true' or '') .. ',"db":' .. db ..
    (open_id and open_id == had and ',"added":' .. whole(added) .. ',"atMs":' .. now_text or ''))
  return { #entries, duplicates, too_old, last_id, due_in }
end

local replies = {}
local i = FIRST_REQUEST
while i <= #ARGV do
  local first, last = i + 4, i + 3 + ARGV[i + 3] * ARGS_PER_MESSAGE
  noted = {}
  local ok, reply = pcall(append, ARGV[i], ARGV[i + 1], ARGV[i + 2] == '1', first, last)
  -- What was not stored is not seen: it will come again.
  for _, digest in ipairs(noted) do redis.pcall('ZREM', P .. SEEN .. ARGV[i], digest) end
  replies[#replies + 1] = ok and reply or error_text(reply)
  i = last + 1
end
-- Whoever subscribes to the channel by its name works here; whoever watches by a pattern does not.
return { call('PUBSUB', 'NUMSUB', P .. BATCH_UPDATED)[2], unpack(replies) }
