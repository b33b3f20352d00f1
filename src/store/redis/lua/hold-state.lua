#!lua flags=no-writes
--[[
Reads whether a batch holds its conversation, committed or not. A dead batch holds none, but its work is still needed:
its receiver may have it all the same.

KEYS  1 the prefix
ARGV  1 batch id
Returns 'held', 'superseded', 'answered' or 'unknown'
--]]
--- include "names"
local batch_id = ARGV[1]

local conversation = call('HGET', P .. CLAIMED_BATCH .. batch_id, 'conversationId')
  or call('HGET', P .. HANDED_OVER .. batch_id, 'conversationId')
if conversation and call('GET', P .. HOLD .. conversation) == batch_id then return 'held' end
if call('HEXISTS', P .. DEAD, batch_id) == 1 then return 'held' end
return string.match(call('GET', P .. ENDED .. batch_id) or 'unknown', '^%a+')
