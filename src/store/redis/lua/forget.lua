#!lua flags=allow-oom
--[[
Erases what is kept under the name of a conversation, and its batch that is claimed or being answered. Later calls for
that batch, by its processor, find nothing.

KEYS  1 the prefix
ARGV  1 conversation
Returns { messages erased, the claimed or handed-over batch or '' }
--]]
--- include "names"
--- include "check-types"
local conversation = ARGV[1]

local count = call('LLEN', P .. MESSAGES .. conversation)
local holder = call('GET', P .. HOLD .. conversation)
local claimed = holder and call('HGET', P .. CLAIMED_BATCH .. holder, 'count')
-- Also the keys from which forget-history.lua and forget-dead.lua erase, and those that UNLINK would erase whatever
-- their type.
check_types(DUE, CLAIMED, ANSWERING, HISTORY, DEAD)
check_type('HLEN', HEADER .. conversation)
check_type('ZCARD', SEEN .. conversation)
local kept = holder and call('HGET', P .. HANDED_OVER .. holder, 'count')

call('ZREM', P .. DUE, conversation)
call('UNLINK', P .. MESSAGES .. conversation, P .. HEADER .. conversation, P .. QUIET .. conversation,
  P .. SEEN .. conversation, P .. HOLD .. conversation)
if holder then
  call('ZREM', P .. CLAIMED, holder)
  call('ZREM', P .. ANSWERING, holder)
  call('UNLINK', P .. CLAIMED_BATCH .. holder, P .. HANDED_OVER .. holder)
end
return { count + (claimed or kept or 0), holder or '' }
