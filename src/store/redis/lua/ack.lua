#!lua flags=allow-oom
--[[
Batches have been handed over. In serial order each goes on holding its conversation until it is answered, in concurrent
order its conversation is free. May come late, after another claim or after the batch was given up for dead: that
somebody has it stays true. For a batch that has been answered already it does nothing.

KEYS  1 the prefix
ARGV  1 'serial' or 'concurrent'  2 check interval  3 header TTL  4 who, for a batch that nobody claims  5 database number
      then batch ids
Returns the troubles: { batch id, error } for each that could not be read
--]]
--- include "now"
--- include "head"
--- include "free"
--- include "record"
--- include "next-check"
--- include "push"
--- include "error-text"
local serial, check_ms, ttl, by, db = ARGV[1] == 'serial', tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]

local now = read_clock()
for _, name in ipairs({ CLAIMED, ANSWERING, DUE }) do redis.call('ZCARD', P .. name) end
redis.call('XLEN', P .. HISTORY)
redis.call('HLEN', P .. DEAD)

local now_text = whole(now)
local check_at = next_check(now, check_ms)
local check_text, header_end = whole(check_at), whole(check_at + ttl)
local troubles, gone, answering, sayings = {}, {}, {}, {}
for i = 6, #ARGV do
  local batch_id = ARGV[i]
  local ok, conversation, owner, head = pcall(function()
    local conversation, owner = unpack(redis.call('HMGET', P .. CLAIMED_BATCH .. batch_id, 'conversationId', 'owner'))
    return conversation, owner ~= '' and owner or by, conversation and not serial and head_of(conversation) or nil
  end)
  local handed = ok and conversation and serial and redis.pcall('HSET', P .. HANDED_OVER .. batch_id,
    'conversationId', conversation, 'handedOverAtMs', now_text, 'owner', owner)
  if not ok or type(handed) == 'table' then
    troubles[#troubles + 1] = { batch_id, error_text(ok and handed or conversation) }
  elseif conversation then
    redis.call('DEL', P .. CLAIMED_BATCH .. batch_id)
    gone[#gone + 1] = batch_id
    if serial then
      redis.call('PEXPIREAT', P .. HEADER .. conversation, header_end, 'GT')
      answering[#answering + 1] = check_text
      answering[#answering + 1] = batch_id
    else
      free(conversation, head, now, db)
    end
    sayings[#sayings + 1] = { batch_id, conversation, owner }
  else
    local dead = redis.call('HGET', P .. DEAD, batch_id)
    if dead then
      local of = cjson.decode(dead).conversationId
      redis.call('HDEL', P .. DEAD, batch_id)
      sayings[#sayings + 1] = { batch_id, of, by, 'late', 'true' }
    end
  end
end
push('ZADD', P .. ANSWERING, answering)
push('ZREM', P .. CLAIMED, gone)
-- Only now, since an error on the way must leave no batch between the two.
for _, saying in ipairs(sayings) do
  local batch_id, conversation, owner = unpack(saying)
  record('handed-over', batch_id, conversation, 'owner', owner, unpack(saying, 4))
  if not saying[4] then announce(BATCH_HANDED_OVER, conversation, batch_id) end
end
return troubles
