#!lua flags=allow-oom
--[[
Discards the messages of a conversation that no processor has claimed. A hold stays, and their ids stay known.

KEYS  1 the prefix
ARGV  1 conversation  2 who
Returns how many
--]]
--- include "record"
local conversation, by = ARGV[1], ARGV[2]

local count = redis.call('LLEN', P .. MESSAGES .. conversation)
local batch_id = redis.call('HGET', P .. HEADER .. conversation, 'batchId')
redis.call('ZCARD', P .. DUE)
if count == 0 then return 0 end
local first = redis.call('LINDEX', P .. MESSAGES .. conversation, 0)
record('dropped', batch_id or string.match(first, '^%S+'), conversation, 'count', count, 'by', by)
redis.call('UNLINK', P .. MESSAGES .. conversation, P .. HEADER .. conversation, P .. QUIET .. conversation)
redis.call('ZREM', P .. DUE, conversation)
return count
