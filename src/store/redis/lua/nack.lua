#!lua flags=allow-oom
--[[
A handover failed. The batch can be claimed again after the delay, or is dead if its attempts are used up. The lease
number goes up, so the lease of the caller is over.

KEYS  1 the prefix
ARGV  1 batch id  2 lease number  3 delay  4 '1': the attempt counts  5 max attempts  6 error  7 header TTL
      8 database number  9 to 16 the store's rules (rules.lua)
Returns 'retry', 'dead' or 'stale' (another lease, or no such batch: nothing changes)
--]]
--- include "names"
--- include "now"
--- include "store-rules"
--- include "head"
--- include "die"
--- include "check-types"
local batch_id, lease, delay, counts = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'
local max_attempts, reason, ttl, db = tonumber(ARGV[5]), ARGV[6], tonumber(ARGV[7]), ARGV[8]
local store_rules = store_rules_at(9)

local now = read_clock()
local batch = hash_of(P .. CLAIMED_BATCH .. batch_id)
if not batch or batch.lease ~= lease then return 'stale' end
check_types(CLAIMED, DUE, HISTORY, DEAD)
local head = head_of(batch.conversationId)

if counts and tonumber(batch.attempt) >= max_attempts then
  die(batch_id, batch, head, reason, now, db, store_rules)
  return 'dead'
end
local attempt = tonumber(batch.attempt) - (counts and 0 or 1)
call('HSET', P .. CLAIMED_BATCH .. batch_id,
  'attempt', attempt, 'lease', lease + 1, 'owner', '', 'error', reason, 'leasedAtMs', now)
call('ZADD', P .. CLAIMED, now + delay, batch_id)
call('PEXPIREAT', P .. HEADER .. batch.conversationId, now + delay + ttl, 'GT')
record('nacked', batch_id, batch.conversationId, 'attempt', batch.attempt, 'delayMs', delay, 'error', reason)
return 'retry'
