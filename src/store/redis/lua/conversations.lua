#!lua flags=no-writes
--[[
Lists conversations that wait and conversations that are held. Reads indexes: no SCAN.

KEYS  1 the prefix
ARGV  1 at most how many of each
Returns { now, { conversation, due at, ... } of those that wait, { messages in the open batch or 0, ... }
      for each of these, { batch id, conversation, ... } of those that are held }
--]]
--- include "names"
--- include "now"
local limit = tonumber(ARGV[1])

local held = {}
local function add(name, part)
  for _, batch_id in ipairs(call('ZRANGE', P .. name, 0, limit - 1)) do
    local conversation = redis.pcall('HGET', P .. part .. batch_id, 'conversationId')
    if type(conversation) == 'string' and #held < 2 * limit then
      held[#held + 1] = batch_id
      held[#held + 1] = conversation
    end
  end
end
add(CLAIMED, CLAIMED_BATCH)
add(ANSWERING, HANDED_OVER)
local due = call('ZRANGE', P .. DUE, 0, limit - 1, 'WITHSCORES')
local counts = {}
for i = 1, #due, 2 do
  local count = redis.pcall('HGET', P .. HEADER .. due[i], 'count')
  counts[#counts + 1] = type(count) == 'string' and count or '0'
end
return { read_clock(), due, counts, held }
