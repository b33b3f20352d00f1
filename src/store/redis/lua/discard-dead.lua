#!lua flags=allow-oom
--[[
Erases dead batches.

KEYS  1 the prefix
ARGV  1 the caller  then batch ids
Returns how many of them were dead
--]]
--- include "names"
--- include "record"
--- include "check-types"
local FIRST_ID = 2
local by = ARGV[1]

check_types(HISTORY)
local count = 0
for i = FIRST_ID, #ARGV do
  local json = call('HGET', P .. DEAD, ARGV[i])
  if json then
    local batch = cjson.decode(json)
    local _, others = string.gsub(batch.messages, '\n', '\n') -- One message a line.
    record('discarded', ARGV[i], batch.conversationId, 'count', others + 1, 'by', by)
    call('HDEL', P .. DEAD, ARGV[i])
    count = count + 1
  end
end
return count
