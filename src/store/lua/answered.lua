#!lua flags=allow-oom
--[[
The work on a batch has ended. Implies its acknowledgement, if that has not come yet, and frees its conversation. A
batch that does not hold its conversation any more (in concurrent order none does) frees nothing; where its conversation
is named, the history notes the end of its answer all the same. Told under a lease that another has followed, it changes
nothing: somebody works on the batch again, and the next one must wait for that.

KEYS  1 the prefix
ARGV  1 batch id  2 outcome  3 database number  4 conversation, or ''  5 lease number, or '' for the receiver's own word
Returns { 1 if it held its conversation until now, else 0; ms until the conversation's next batch is due or -1 }
--]]
--- include "now"
--- include "head"
--- include "free"
--- include "record"
local batch_id, outcome, db, named, lease = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local now = read_clock()
local handed = redis.call('HMGET', P .. HANDED_OVER .. batch_id, 'conversationId', 'handedOverAtMs')
local claimed = redis.call('HMGET', P .. CLAIMED_BATCH .. batch_id, 'conversationId', 'owner', 'lease')
if lease ~= '' and claimed[3] and claimed[3] ~= lease and claimed[2] ~= '' then return { 0, -1 } end
local conversation = handed[1] or claimed[1]
for _, name in ipairs({ CLAIMED, ANSWERING, DUE }) do redis.call('ZCARD', P .. name) end
redis.call('XLEN', P .. HISTORY)
local function note(about, ...)
  record('answered', batch_id, about, 'outcome', outcome, ...)
  announce(BATCH_ANSWERED, about, batch_id, ',"outcome":' .. cjson.encode(outcome))
end
if not conversation then
  -- Given up for dead, and yet somebody had it.
  local dead = redis.call('HGET', P .. DEAD, batch_id)
  if dead then
    redis.call('HDEL', P .. DEAD, batch_id)
    note(cjson.decode(dead).conversationId, 'late', 'true')
  elseif named ~= '' then
    note(named)
  end
  return { 0, -1 }
end

local head = head_of(conversation)
local holder = redis.call('GET', P .. HOLD .. conversation)
redis.call('DEL', P .. HANDED_OVER .. batch_id, P .. CLAIMED_BATCH .. batch_id)
redis.call('ZREM', P .. ANSWERING, batch_id)
redis.call('ZREM', P .. CLAIMED, batch_id)
if not handed[1] then
  record('handed-over', batch_id, conversation, 'owner', claimed[2] or '')
  announce(BATCH_HANDED_OVER, conversation, batch_id, '')
end
note(conversation)
local held = not holder or holder == batch_id
return { held and 1 or 0, held and free(conversation, head, now, db) or -1 }
