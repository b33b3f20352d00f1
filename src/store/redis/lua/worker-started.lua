#!lua flags=allow-oom
--[[
A worker has started an attempt at a batch that holds its conversation. The answer timeout counts from the first report
of that attempt, and the next check comes no later than the timeout.

KEYS  1 the prefix
ARGV  1 batch id  2 worker's attempt  3 answer timeout  4 check interval
--]]
--- include "names"
--- include "now"
--- include "next-check"
local batch_id, worker_attempt, timeout, check_ms = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

local known = call('HMGET', P .. HANDED_OVER .. batch_id, 'conversationId', 'workerAttempt')
if not known[1] or known[2] == worker_attempt then return end
local now = read_clock()
call('ZADD', P .. ANSWERING, math.min(now + timeout, next_check(now, check_ms)), batch_id)
call('HSET', P .. HANDED_OVER .. batch_id, 'workerAttempt', worker_attempt, 'workerStartedAtMs', now)
