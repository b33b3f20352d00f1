#!lua flags=allow-oom
--[[
Renews leases, and the TTL of the headers of the batches that collect meanwhile in their conversations.

KEYS  1 the prefix
ARGV  1 lease  2 header TTL  3 '1' if an answer that is not committed may be superseded
      then for each: batch id, lease number
Returns for each lost lease { batch id, 'superseded' or '', the batch that superseded it or '' }
--]]
--- include "names"
--- include "now"
--- include "check-types"
local FIRST = 4
local lease_ms, ttl, may_supersede = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1'

local now = read_clock()
check_types(CLAIMED)
local lost = {}

local function add_lost(batch_id)
  local ended = may_supersede and redis.pcall('GET', P .. ENDED .. batch_id)
  local by = type(ended) == 'string' and string.match(ended, '^superseded (%S*)$')
  lost[#lost + 1] = { batch_id, by and 'superseded' or '', by or '' }
end

for i = FIRST, #ARGV, 2 do
  local batch_id = ARGV[i]
  local batch = redis.pcall('HMGET', P .. CLAIMED_BATCH .. batch_id, 'lease', 'conversationId')
  if batch[1] == ARGV[i + 1] then
    call('HSET', P .. CLAIMED_BATCH .. batch_id, 'leasedAtMs', now)
    call('ZADD', P .. CLAIMED, now + lease_ms, batch_id)
    call('PEXPIREAT', P .. HEADER .. batch[2], now + lease_ms + ttl, 'GT')
  else
    add_lost(batch_id)
  end
end
return lost
