#!lua flags=allow-oom
--[[
Acknowledges batches: they have been handed over. In serial order each batch holds its conversation until it is
answered; in concurrent order the conversation is free. A batch that can be superseded keeps its messages until it is
committed or answered. An acknowledgement may come late, after another claim or after the batch was declared dead: the
receiver has the batch all the same. For a batch that has been answered it does nothing.

KEYS  1 the prefix
ARGV  1 'serial' or 'concurrent'  2 check interval  3 header TTL  4 the caller: the owner, for the history, of a batch
      that has none  5 database number
      then batch ids
Returns { batch id, error } for each batch that could not be read
--]]
--- include "names"
--- include "now"
--- include "head"
--- include "free"
--- include "record"
--- include "next-check"
--- include "push"
--- include "check-types"
--- include "error-text"
local FIRST = 6

local serial, check_ms, ttl, by, db = ARGV[1] == 'serial', tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
-- Nothing is superseded in concurrent order, and so nothing starts early.
local CONCURRENT = { answering = 'queue' }

local now = read_clock()
check_types(CLAIMED, ANSWERING, HISTORY)
if not serial then check_types(DUE) end

local now_text = whole(now)
local check_at = next_check(now, check_ms)
local check_text, header_end = whole(check_at), whole(check_at + ttl)
local troubles, acknowledged, answering, handovers = {}, {}, {}, {}

-- A claimed batch, and in concurrent order what waits behind it; or { dead = its JSON } or an empty table. Only reads.
local function read_batch(batch_id)
  local conversation, owner, last_at, supersedable, committed_at = unpack(call('HMGET', P .. CLAIMED_BATCH .. batch_id,
    'conversationId', 'owner', 'lastAtMs', 'supersedable', 'committedAtMs'))
  if not conversation then return { dead = call('HGET', P .. DEAD, batch_id) } end
  return { conversation = conversation, owner = owner ~= '' and owner or by, last_at = last_at,
    is_kept = serial and supersedable, committed_at = committed_at, head = not serial and head_of(conversation) or nil }
end

-- Returns an error as a table.
local function hand_over(batch_id, batch)
  local key = P .. HANDED_OVER .. batch_id
  local written = redis.pcall('HSET', key, 'conversationId', batch.conversation, 'handedOverAtMs', now_text,
    'owner', batch.owner, 'lastAtMs', batch.last_at,
    unpack(batch.committed_at and { 'committedAtMs', batch.committed_at } or {}))
  if batch.is_kept and type(written) ~= 'table' then
    call('RENAME', P .. CLAIMED_BATCH .. batch_id, key)
    call('HSET', key, 'handedOverAtMs', now_text, 'owner', batch.owner)
  end
  return written
end

for i = FIRST, #ARGV do
  local batch_id = ARGV[i]
  local ok, batch = pcall(read_batch, batch_id)
  local conversation = ok and batch.conversation
  local written = conversation and serial and hand_over(batch_id, batch)
  if not ok or type(written) == 'table' then
    troubles[#troubles + 1] = { batch_id, error_text(ok and written or batch) }
  elseif conversation then
    if not batch.is_kept then call('DEL', P .. CLAIMED_BATCH .. batch_id) end
    acknowledged[#acknowledged + 1] = batch_id
    if serial then
      call('PEXPIREAT', P .. HEADER .. conversation, header_end, 'GT')
      answering[#answering + 1] = check_text
      answering[#answering + 1] = batch_id
    else
      free(conversation, batch.head, now, db, CONCURRENT)
    end
    handovers[#handovers + 1] = { batch_id, conversation, batch.owner }
  elseif batch.dead then
    call('HDEL', P .. DEAD, batch_id)
    handovers[#handovers + 1] = { batch_id, cjson.decode(batch.dead).conversationId, by, 'late', 'true' }
  end
end
push('ZADD', P .. ANSWERING, answering)
push('ZREM', P .. CLAIMED, acknowledged)
-- Recorded and published last: if one of these commands fails, every batch is in the one set or in the other.
for _, handover in ipairs(handovers) do
  local batch_id, conversation, owner, late = unpack(handover)
  record('handed-over', batch_id, conversation, 'owner', owner, unpack(handover, 4))
  if not late then notify(BATCH_HANDED_OVER, conversation, batch_id) end
end
return troubles
