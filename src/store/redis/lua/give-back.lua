#!lua flags=allow-oom
--[[
Ends the leases of the batches that an owner has claimed, without counting an attempt. An owner gives back what it
holds when it stops, and what a claim leased to it if the reply was lost.

KEYS  1 the prefix
ARGV  1 owner  2 database number  then the ids of the batches that it keeps
Returns the ids of the batches given back
--]]
--- include "names"
--- include "now"
--- include "schedule"
--- include "record"
--- include "batch-updated"
--- include "check-types"
local LATEST_LEASES = 1000 -- The leases of a lost reply are the latest; older ones end by themselves.

local owner, db = ARGV[1], ARGV[2]
local kept = {}
for i = 3, #ARGV do kept[ARGV[i]] = true end

local now = read_clock()
check_types(HISTORY)
local given_back = {}
for _, batch_id in ipairs(call('ZRANGE', P .. CLAIMED, 0, LATEST_LEASES - 1, 'REV')) do
  local batch = redis.pcall('HMGET', P .. CLAIMED_BATCH .. batch_id,
    'owner', 'conversationId', 'attempt', 'lease', 'count')
  if batch[1] == owner and not kept[batch_id] then
    call('HSET', P .. CLAIMED_BATCH .. batch_id, 'owner', '', 'attempt', batch[3] - 1, 'lease', batch[4] + 1)
    call('ZADD', P .. CLAIMED, now, batch_id)
    record('given-back', batch_id, batch[2], 'owner', owner)
    publish_next_due(nil, now, now, batch[2], batch_id, db)
    notify_updated(batch[2], batch_id, { count = batch[5], due_in = 0 }, db)
    given_back[#given_back + 1] = batch_id
  end
end
return given_back
