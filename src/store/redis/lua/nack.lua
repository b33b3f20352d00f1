#!lua flags=allow-oom
--[[
A handover failed. The batch may be claimed again after the delay, or is dead if its attempts are used up. The number of
the lease goes up, so that whoever held it holds nothing now.

KEYS  1 the prefix
ARGV  1 batch id  2 lease number  3 delay  4 '1': the attempt counts  5 max attempts  6 error  7 header TTL
      8 database number
Returns 'retry', 'dead' or 'stale' (another lease, or the batch is gone: nothing was changed)
--]]
--- include "now"
--- include "head"
--- include "die"
local batch_id, lease, delay, counts = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'
local max_attempts, reason, ttl, db = tonumber(ARGV[5]), ARGV[6], tonumber(ARGV[7]), ARGV[8]

local now = read_clock()
local batch = hash_of(P .. CLAIMED_BATCH .. batch_id)
if not batch or batch.lease ~= lease then return 'stale' end
for _, name in ipairs({ CLAIMED, DUE }) do redis.call('ZCARD', P .. name) end
redis.call('XLEN', P .. HISTORY)
redis.call('HLEN', P .. DEAD)
local head = head_of(batch.conversationId)

if counts and tonumber(batch.attempt) >= max_attempts then
  die(batch_id, batch, head, reason, now, db)
  return 'dead'
end
local attempt = tonumber(batch.attempt) - (counts and 0 or 1)
redis.call('HSET', P .. CLAIMED_BATCH .. batch_id,
  'attempt', attempt, 'lease', lease + 1, 'owner', '', 'error', reason, 'leasedAtMs', now)
redis.call('ZADD', P .. CLAIMED, now + delay, batch_id)
redis.call('PEXPIREAT', P .. HEADER .. batch.conversationId, now + delay + ttl, 'GT')
record('nacked', batch_id, batch.conversationId, 'attempt', batch.attempt, 'delayMs', delay, 'error', reason)
return 'retry'
