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
check_types(CLAIMED, ANSWERING, DUE, HISTORY, DEAD)

local now_text = whole(now)
local check_at = next_check(now, check_ms)
local check_text, header_end = whole(check_at), whole(check_at + ttl)
local troubles, acknowledged, answering, handovers = {}, {}, {}, {}

-- Returns the conversation of a claimed batch, its owner, in concurrent order what waits behind it, when its last
-- message came, whether its messages are kept, and when it was committed. Only reads.
local function read_claimed(batch_id)
  local conversation, owner, last_at, supersedable, committed_at = unpack(call('HMGET', P .. CLAIMED_BATCH .. batch_id,
    'conversationId', 'owner', 'lastAtMs', 'supersedable', 'committedAtMs'))
  return conversation, owner ~= '' and owner or by, conversation and not serial and head_of(conversation) or nil,
    last_at, supersedable, committed_at
end

-- Returns an error as a table.
local function hand_over(batch_id, conversation, owner, last_at, is_kept, committed_at)
  local key = P .. HANDED_OVER .. batch_id
  local written = redis.pcall('HSET', key, 'conversationId', conversation, 'handedOverAtMs', now_text, 'owner', owner,
    'lastAtMs', last_at, unpack(committed_at and { 'committedAtMs', committed_at } or {}))
  if is_kept and type(written) ~= 'table' then
    call('RENAME', P .. CLAIMED_BATCH .. batch_id, key)
    call('HSET', key, 'handedOverAtMs', now_text, 'owner', owner)
  end
  return written
end

for i = FIRST, #ARGV do
  local batch_id = ARGV[i]
  local ok, conversation, owner, head, last_at, is_kept, committed_at = pcall(read_claimed, batch_id)
  local written = ok and conversation and serial
    and hand_over(batch_id, conversation, owner, last_at, is_kept, committed_at)
  if not ok or type(written) == 'table' then
    troubles[#troubles + 1] = { batch_id, error_text(ok and written or conversation) }
  elseif conversation then
    if not (serial and is_kept) then call('DEL', P .. CLAIMED_BATCH .. batch_id) end
    acknowledged[#acknowledged + 1] = batch_id
    if serial then
      call('PEXPIREAT', P .. HEADER .. conversation, header_end, 'GT')
      answering[#answering + 1] = check_text
      answering[#answering + 1] = batch_id
    else
      free(conversation, head, now, db, CONCURRENT)
    end
    handovers[#handovers + 1] = { batch_id, conversation, owner }
  else
    local dead = call('HGET', P .. DEAD, batch_id)
    if dead then
      call('HDEL', P .. DEAD, batch_id)
      handovers[#handovers + 1] = { batch_id, cjson.decode(dead).conversationId, by, 'late', 'true' }
    end
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
