#!lua flags=allow-oom
--[[
Erases what is kept of a conversation under its own name, and the batch of it that is claimed or being answered. What that
batch's processor still says of it finds nothing.

KEYS  1 the prefix
ARGV  1 conversation
Returns { messages erased, the batch that was under way or '' }
--]]
local conversation = ARGV[1]

local count = redis.call('LLEN', P .. MESSAGES .. conversation)
local holder = redis.call('GET', P .. HOLD .. conversation)
local claimed = holder and redis.call('HGET', P .. CLAIMED_BATCH .. holder, 'count')
for _, name in ipairs({ DUE, CLAIMED, ANSWERING }) do redis.call('ZCARD', P .. name) end
-- Also what is erased by other scripts, and what would be erased whatever it holds.
redis.call('XLEN', P .. HISTORY)
redis.call('HLEN', P .. DEAD)
redis.call('HLEN', P .. HEADER .. conversation)
redis.call('ZCARD', P .. SEEN .. conversation)
if holder then redis.call('HLEN', P .. HANDED_OVER .. holder) end

redis.call('ZREM', P .. DUE, conversation)
redis.call('UNLINK', P .. MESSAGES .. conversation, P .. HEADER .. conversation, P .. QUIET .. conversation,
  P .. SEEN .. conversation, P .. HOLD .. conversation)
if holder then
  redis.call('ZREM', P .. CLAIMED, holder)
  redis.call('ZREM', P .. ANSWERING, holder)
  redis.call('UNLINK', P .. CLAIMED_BATCH .. holder, P .. HANDED_OVER .. holder)
end
return { count + (claimed or 0), holder or '' }
