#!lua flags=allow-oom
--[[
The work on a batch has ended. Implies its acknowledgement, if that has not come yet, and frees its conversation. A
batch that does not hold its conversation any more frees nothing.

KEYS  1 the prefix
ARGV  1 batch id  2 outcome  3 database number
Returns { 1 if it held its conversation until now, else 0; ms until the conversation's next batch is due or -1 }
--]]
--- include "now"
--- include "head"
--- include "free"
--- include "record"
local batch_id, outcome, db = ARGV[1], ARGV[2], ARGV[3]

local now = read_clock()
local handed = redis.call('HMGET', P .. HANDED_OVER .. batch_id, 'conversationId', 'handedOverAtMs')
local claimed = redis.call('HMGET', P .. CLAIMED_BATCH .. batch_id, 'conversationId', 'owner')
local conversation = handed[1] or claimed[1]
for _, name in ipairs({ CLAIMED, ANSWERING, DUE }) do redis.call('ZCARD', P .. name) end
redis.call('XLEN', P .. HISTORY)
if not conversation then
  -- Given up for dead, and yet somebody had it.
  local dead = redis.call('HGET', P .. DEAD, batch_id)
  if dead then
    redis.call('HDEL', P .. DEAD, batch_id)
    record('answered', batch_id, cjson.decode(dead).conversationId, 'outcome', outcome, 'late', 'true')
  end
  return { 0, -1 }
end

local head = head_of(conversation)
local holder = redis.call('GET', P .. HOLD .. conversation)
redis.call('DEL', P .. HANDED_OVER .. batch_id, P .. CLAIMED_BATCH .. batch_id)
redis.call('ZREM', P .. ANSWERING, batch_id)
redis.call('ZREM', P .. CLAIMED, batch_id)
local held = not holder or holder == batch_id
local next_in = held and free(conversation, head, now, db) or -1
if not handed[1] then
  record('handed-over', batch_id, conversation, 'owner', claimed[2] or '')
  announce(BATCH_HANDED_OVER, conversation, batch_id, '')
end
record('answered', batch_id, conversation, 'outcome', outcome)
announce(BATCH_ANSWERED, conversation, batch_id, ',"outcome":' .. cjson.encode(outcome))
return { held and 1 or 0, next_in }
