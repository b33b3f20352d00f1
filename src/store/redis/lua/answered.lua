#!lua flags=allow-oom
--[[
The work on batches has ended. Each batch is handled by itself: one that meets a key of a foreign type changes
nothing, and the others are not affected. This acknowledges the batch if that has not come yet, and frees its
conversation. A batch that does not hold its conversation any more (in concurrent order none does) frees nothing; if
the caller names its conversation, the history records the end of the answer. If the lease that the caller names has
been followed by another, nothing changes: somebody works on the batch again, and the next batch waits for that.

KEYS  1 the prefix
ARGV  1 database number  2 '1' if answers may be superseded  3 to 10 the store's rules (rules.lua)
      11 how long the end of a batch is kept, for a commit that comes late
      then for each batch: its id, outcome, conversation or '', lease number or '' if the receiver itself reports it
Returns for each { 1 if it held its conversation until now, else 0; ms until the next batch of the conversation is due
      or -1; ms since its last message, or -1 if that is not known }, or its error as text
--]]
--- include "names"
--- include "now"
--- include "store-rules"
--- include "head"
--- include "free"
--- include "record"
--- include "push"
--- include "check-types"
--- include "error-text"
--- include "supersede"
local FIRST, ARGS_EACH = 4 + STORE_RULES, 4

local db = ARGV[1]
local may_supersede, store_rules = ARGV[2] == '1', store_rules_at(3)
local ended_kept_ms = ARGV[3 + STORE_RULES]
local now = read_clock()
check_types(ANSWERING, HISTORY)

local function record_answered(conversation, batch_id, outcome, ...)
  record('answered', batch_id, conversation, 'outcome', outcome, ...)
  notify(BATCH_ANSWERED, conversation, batch_id, ',"outcome":', cjson.encode(outcome))
end

local answered = {}

-- The batch is neither claimed nor handed over: dead, answered before, superseded, or unknown.
local function end_other(batch_id, outcome, named)
  local dead = call('HGET', P .. DEAD, batch_id)
  if dead then
    local conversation = cjson.decode(dead).conversationId
    call('HDEL', P .. DEAD, batch_id)
    record_answered(conversation, batch_id, outcome, 'late', 'true')
  elseif named ~= '' and not (may_supersede and call('EXISTS', P .. ENDED .. batch_id) == 1) then
    record_answered(named, batch_id, outcome)
  end
end

local function end_batch(batch_id, outcome, named, lease)
  local handed_over, last_at = unpack(call('HMGET', P .. HANDED_OVER .. batch_id, 'conversationId', 'lastAtMs'))
  local claimed, owner, claimed_lease, claimed_last_at
  if not handed_over then
    claimed, owner, claimed_lease, claimed_last_at =
      unpack(call('HMGET', P .. CLAIMED_BATCH .. batch_id, 'conversationId', 'owner', 'lease', 'lastAtMs'))
  end
  if lease ~= '' and claimed_lease and claimed_lease ~= lease and owner ~= '' then return { 0, -1, -1 } end
  -- The receiver does not know a batch that is not acknowledged, because it never got it, perhaps.
  if outcome == 'removed' and claimed then return { 0, -1, -1 } end
  local conversation = handed_over or claimed
  if not conversation then
    end_other(batch_id, outcome, named)
    return { 0, -1, -1 }
  end

  if claimed then check_types(CLAIMED) end
  local head = head_of(conversation)
  if head then check_types(DUE) end
  local holder = call('GET', P .. HOLD .. conversation)
  call('DEL', P .. (handed_over and HANDED_OVER or CLAIMED_BATCH) .. batch_id)
  answered[#answered + 1] = batch_id
  if claimed then call('ZREM', P .. CLAIMED, batch_id) end
  if not handed_over then
    record('handed-over', batch_id, conversation, 'owner', owner or '')
    notify(BATCH_HANDED_OVER, conversation, batch_id)
  end
  record_answered(conversation, batch_id, outcome)
  if may_supersede then call('SET', P .. ENDED .. batch_id, 'answered', 'PX', ended_kept_ms) end
  local held = not holder or holder == batch_id
  last_at = tonumber(last_at or claimed_last_at)
  return { held and 1 or 0, held and free(conversation, head, now, db, store_rules) or -1,
    last_at and math.max(now - last_at, 0) or -1 }
end

local replies = {}
for i = FIRST, #ARGV, ARGS_EACH do
  local ok, reply = pcall(end_batch, ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
  replies[#replies + 1] = ok and reply or error_text(reply)
end
push('ZREM', P .. ANSWERING, answered)
return replies
