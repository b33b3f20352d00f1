#!lua flags=allow-oom
--[[
A worker has taken a batch that holds its conversation. The answer timeout counts from the first report of a take; the
next check comes no later than the timeout.

KEYS  1 the prefix
ARGV  1 batch id  2 take  3 answer timeout  4 check interval
--]]
--- include "names"
--- include "now"
--- include "next-check"
local batch_id, take, timeout, check_ms = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

local known = call('HMGET', P .. HANDED_OVER .. batch_id, 'conversationId', 'take')
if not known[1] or known[2] == take then return end
local now = read_clock()
call('ZADD', P .. ANSWERING, math.min(now + timeout, next_check(now, check_ms)), batch_id)
call('HSET', P .. HANDED_OVER .. batch_id, 'take', take, 'takenAtMs', now)
