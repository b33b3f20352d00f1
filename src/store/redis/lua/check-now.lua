#!lua flags=allow-oom
--[[
Makes the answer checks of batches due now, if the batches still hold their conversations: the next claim returns
them. If batches are named, this also wakes the processors.

KEYS  1 the prefix
ARGV  1 database number  2 how many further checks become due, of all batches: those furthest ahead
      then batch ids
Returns how many checks of all batches are still ahead
--]]
--- include "names"
--- include "now"
--- include "schedule"
--- include "push"
local FIRST = 3

local db, of_all = ARGV[1], tonumber(ARGV[2])
local now = read_clock()
local checks = {}

local function add(batch_id)
  checks[#checks + 1] = whole(now)
  checks[#checks + 1] = batch_id
end

local named_conversation, named_batch
for i = FIRST, #ARGV do
  local batch_id = ARGV[i]
  if call('ZSCORE', P .. ANSWERING, batch_id) then
    add(batch_id)
    local conversation = redis.pcall('HGET', P .. HANDED_OVER .. batch_id, 'conversationId')
    if type(conversation) == 'string' then named_conversation, named_batch = conversation, batch_id end
  end
end
local ahead = '(' .. whole(now)
for _, batch_id in ipairs(call('ZRANGE', P .. ANSWERING, '+inf', ahead, 'BYSCORE', 'REV', 'LIMIT', 0, of_all)) do
  add(batch_id)
end
push('ZADD', P .. ANSWERING, checks)
if named_batch then publish_next_due(nil, now, now, named_conversation, named_batch, db) end
return call('ZCOUNT', P .. ANSWERING, ahead, '+inf')
