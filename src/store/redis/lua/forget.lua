#!lua flags=allow-oom
--[[
Erases what is kept under the name of a conversation, and its batch that is claimed or being answered. Later calls for
that batch, by its processor, find nothing. If it is not committed, its handler is notified, and no commit is granted.

KEYS  1 the prefix
ARGV  1 conversation  2 '1' if answers may be superseded  3 database number
Returns { messages erased, the claimed or handed-over batch or '', the conversation of another partition that it was
      moving into if that is a move (begin-move.lua), or '' }
--]]
--- include "names"
--- include "check-types"
--- include "supersede"
local conversation = ARGV[1]

local count = call('LLEN', P .. MESSAGES .. conversation)
local known = call('MGET', P .. HOLD .. conversation, P .. STATE .. conversation)
local holder = known[1]
local function read(name)
  return holder and call('HMGET', P .. name .. holder, 'count', 'committedAtMs', 'into') or {}
end
local claimed = read(CLAIMED_BATCH)
-- Also the keys from which forget-history.lua and forget-dead.lua erase, and those that UNLINK would erase whatever
-- their type.
check_types(DUE, CLAIMED, ANSWERING, HISTORY, DEAD)
if known[2] then check_types(PAUSED) end
check_type('HLEN', HEADER .. conversation)
check_type('ZCARD', SEEN .. conversation)
local handed_over = read(HANDED_OVER)

call('ZREM', P .. DUE, conversation)
call('UNLINK', P .. MESSAGES .. conversation, P .. HEADER .. conversation, P .. QUIET .. conversation,
  P .. SEEN .. conversation, P .. HOLD .. conversation, P .. STATE .. conversation)
if known[2] then call('ZREM', P .. PAUSED, conversation) end
if holder then
  call('ZREM', P .. CLAIMED, holder)
  call('ZREM', P .. ANSWERING, holder)
  call('UNLINK', P .. CLAIMED_BATCH .. holder, P .. HANDED_OVER .. holder)
end
if ARGV[2] == '1' and holder and not claimed[2] and not handed_over[2] and not handed_over[3] then
  keep_end(holder, '')
  publish_superseded(conversation, holder, '', ARGV[3])
end
return { count + (claimed[1] or handed_over[1] or 0), holder or '', handed_over[3] or '' }
