#!lua flags=allow-oom
--[[
Makes the answer checks of batches due now, of those that still hold their conversations: whoever claims next gets them. Where
batches are named, processors are told.

KEYS  1 the prefix
ARGV  1 database number  2 of all batches, how many: those whose checks are furthest ahead
      then batch ids
Returns how many of all batches are left whose checks are ahead
--]]
--- include "now"
--- include "schedule"
--- include "push"
local FIRST = 3

local db, of_all = ARGV[1], tonumber(ARGV[2])
local now = read_clock()
local checks, told = {}, nil

local function add(batch_id)
  checks[#checks + 1] = whole(now)
  checks[#checks + 1] = batch_id
end

for i = FIRST, #ARGV do
  local batch_id = ARGV[i]
  if redis.call('ZSCORE', P .. ANSWERING, batch_id) then
    add(batch_id)
    local conversation = redis.pcall('HGET', P .. HANDED_OVER .. batch_id, 'conversationId')
    if type(conversation) == 'string' then told = { conversation, batch_id } end
  end
end
local ahead = '(' .. whole(now)
for _, batch_id in ipairs(redis.call('ZRANGE', P .. ANSWERING, '+inf', ahead, 'BYSCORE', 'REV', 'LIMIT', 0, of_all)) do
  add(batch_id)
end
push('ZADD', P .. ANSWERING, checks)
if told then tell_due(nil, now, now, told[1], told[2], db) end
return redis.call('ZCOUNT', P .. ANSWERING, ahead, '+inf')
