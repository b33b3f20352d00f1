#!lua flags=allow-oom
--[[
Renews leases, and the TTL of the headers of the batches that collect meanwhile in their conversations.

KEYS  1 the prefix
ARGV  1 lease  2 header TTL  then for each: batch id, lease number
Returns the ids of the batches whose leases are lost
--]]
--- include "names"
--- include "now"
--- include "check-types"
local lease_ms, ttl = tonumber(ARGV[1]), tonumber(ARGV[2])

local now = read_clock()
check_types(CLAIMED)
local lost = {}
for i = 3, #ARGV, 2 do
  local batch_id = ARGV[i]
  local batch = redis.pcall('HMGET', P .. CLAIMED_BATCH .. batch_id, 'lease', 'conversationId')
  if batch[1] == ARGV[i + 1] then
    call('HSET', P .. CLAIMED_BATCH .. batch_id, 'leasedAtMs', now)
    call('ZADD', P .. CLAIMED, now + lease_ms, batch_id)
    call('PEXPIREAT', P .. HEADER .. batch[2], now + lease_ms + ttl, 'GT')
  else
    lost[#lost + 1] = batch_id
  end
end
return lost
