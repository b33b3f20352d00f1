#!lua flags=allow-oom
--[[
Ends the leases of an owner's claimed batches, without counting an attempt: what it holds when it stops, or what a claim
took for it whose reply was lost.

KEYS  1 the prefix
ARGV  1 owner  2 database number  then the ids of the batches it goes on holding
Returns the ids of the batches given back
--]]
--- include "now"
--- include "schedule"
--- include "record"
local LATEST_LEASES = 1000 -- a lost reply's are the newest; older ones run out by themselves

local owner, db = ARGV[1], ARGV[2]
local kept = {}
for i = 3, #ARGV do kept[ARGV[i]] = true end

local now = read_clock()
redis.call('XLEN', P .. HISTORY)
local given_back = {}
for _, batch_id in ipairs(redis.call('ZRANGE', P .. CLAIMED, 0, LATEST_LEASES - 1, 'REV')) do
  local batch = redis.pcall('HMGET', P .. CLAIMED_BATCH .. batch_id, 'owner', 'conversationId', 'attempt', 'lease', 'count')
  if batch[1] == owner and not kept[batch_id] then
    redis.call('HSET', P .. CLAIMED_BATCH .. batch_id, 'owner', '', 'attempt', batch[3] - 1, 'lease', batch[4] + 1)
    redis.call('ZADD', P .. CLAIMED, now, batch_id)
    record('given-back', batch_id, batch[2], 'owner', owner)
    tell_due(nil, now, now, batch[2], batch_id, db)
    announce(BATCH_UPDATED, batch[2], batch_id, ',"count":', batch[5], ',"dueInMs":0,"db":', db)
    given_back[#given_back + 1] = batch_id
  end
end
return given_back
