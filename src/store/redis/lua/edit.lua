#!lua
--[[
Replaces the text of a message that no processor has claimed, if it is among the last 100. Changes nothing else of the
message, and not when its batch is due. Has no `allow-oom`: a longer text takes memory.

KEYS  1 the prefix
ARGV  1 conversation  2 the message's id as JSON  3 its digest  4 its id for the history
      5 the text as JSON  6 how long ids are remembered
Returns 'edited', 'tooLate' if the message has come and is not found, or 'unknown'
--]]
--- include "names"
--- include "now"
--- include "find"
--- include "seen"
--- include "record"
local conversation, id, digest, recorded, text = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local dedupe = tonumber(ARGV[6])

local now = read_clock()
local found = find_entry(conversation, id)
local seen = is_seen(conversation, digest, now - dedupe)
local header = call('HMGET', P .. HEADER .. conversation, 'batchId', 'bytes')
if not found then return seen and 'tooLate' or 'unknown' end

-- The text, or null, follows the id. A JSON string ends at the first quote that no backslash escapes.
local json = found.json
local text_begins = #'[' + #id + #',' + 1
local rest_begins = text_begins + #'null'
if string.sub(json, text_begins, text_begins) == '"' then
  local at = text_begins + 1
  while string.sub(json, at, at) ~= '"' do
    at = string.find(json, '["\\]', at)
    if string.sub(json, at, at) == '\\' then at = at + 2 end
  end
  rest_begins = at + 1
end
local edited = string.sub(json, 1, text_begins - 1) .. text .. string.sub(json, rest_begins)
if edited == json then return 'edited' end

record('edited', found.batch_id, conversation, 'ids', '[' .. recorded .. ']')
call('LSET', P .. MESSAGES .. conversation, found.index,
  found.batch_id .. ' ' .. found.received_at .. found.seal .. ' ' .. edited)
if header[1] == found.batch_id then
  call('HSET', P .. HEADER .. conversation, 'bytes', tonumber(header[2]) + #edited - #json)
end
return 'edited'
