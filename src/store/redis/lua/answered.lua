#!lua flags=allow-oom
--[[
The work on batches has ended, each by itself; one that meets a key of a foreign type changes nothing, and stops no other.
It implies the batch's acknowledgement, if that has not come yet, and frees its conversation. A batch that does not hold its
conversation any more (in concurrent order none does) frees nothing; where its conversation is named, the history notes the
end of its answer all the same. Told under a lease that another has followed, it changes nothing: somebody works on the batch
again, and the next one must wait for that.

KEYS  1 the prefix
ARGV  1 database number
      then four for each: batch id, outcome, conversation or '', lease number or '' for the receiver's own word
Returns for each { 1 if it held its conversation until now, else 0; ms until the conversation's next batch is due or -1 },
      or its error as text
--]]
--- include "now"
--- include "head"
--- include "free"
--- include "record"
--- include "push"
--- include "error-text"
local FIRST, ARGS_EACH = 2, 4

local db = ARGV[1]
local now = read_clock()
for _, name in ipairs({ CLAIMED, ANSWERING, DUE }) do redis.call('ZCARD', P .. name) end
redis.call('XLEN', P .. HISTORY)

local function note(conversation, batch_id, outcome, ...)
  record('answered', batch_id, conversation, 'outcome', outcome, ...)
  announce(BATCH_ANSWERED, conversation, batch_id, ',"outcome":', cjson.encode(outcome))
end

local ended = {} -- batches that are not being answered any more

local function answered(batch_id, outcome, named, lease)
  local handed_over = redis.call('HGET', P .. HANDED_OVER .. batch_id, 'conversationId')
  local claimed = redis.call('HMGET', P .. CLAIMED_BATCH .. batch_id, 'conversationId', 'owner', 'lease')
  if lease ~= '' and claimed[3] and claimed[3] ~= lease and claimed[2] ~= '' then return { 0, -1 } end
  local conversation = handed_over or claimed[1]
  if not conversation then
    -- Given up for dead, and yet somebody had it.
    local dead = redis.call('HGET', P .. DEAD, batch_id)
    if dead then
      local of = cjson.decode(dead).conversationId
      redis.call('HDEL', P .. DEAD, batch_id)
      note(of, batch_id, outcome, 'late', 'true')
    elseif named ~= '' then
      note(named, batch_id, outcome)
    end
    return { 0, -1 }
  end

  local head = head_of(conversation)
  local holder = redis.call('GET', P .. HOLD .. conversation)
  redis.call('DEL', P .. HANDED_OVER .. batch_id, P .. CLAIMED_BATCH .. batch_id)
  ended[#ended + 1] = batch_id
  if claimed[1] then redis.call('ZREM', P .. CLAIMED, batch_id) end
  if not handed_over then
    record('handed-over', batch_id, conversation, 'owner', claimed[2] or '')
    announce(BATCH_HANDED_OVER, conversation, batch_id)
  end
  note(conversation, batch_id, outcome)
  local held = not holder or holder == batch_id
  return { held and 1 or 0, held and free(conversation, head, now, db) or -1 }
end

local replies = {}
for i = FIRST, #ARGV, ARGS_EACH do
  local ok, reply = pcall(answered, ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
  replies[#replies + 1] = ok and reply or error_text(reply)
end
push('ZREM', P .. ANSWERING, ended)
return replies
