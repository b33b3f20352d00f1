#!lua flags=allow-oom
--[[
Puts a dead batch back in front of its conversation, sealed, under its old id.

KEYS  1 the prefix
ARGV  1 batch id  2 who  3 database number
Returns its conversation, or nil where there is no such dead batch
--]]
--- include "now"
--- include "entry"
--- include "hold"
--- include "schedule"
--- include "announce"
--- include "record"
--- include "push"
local batch_id, by, db = ARGV[1], ARGV[2], ARGV[3]

local now = read_clock()
local dead = redis.call('HGET', P .. DEAD, batch_id)
if not dead then return nil end
local batch = cjson.decode(dead)
local conversation = batch.conversationId
redis.call('LLEN', P .. MESSAGES .. conversation)
redis.call('ZCARD', P .. DUE)
local held = hold_of(conversation)

local entries = {}
for received_at, json in string.gmatch(batch.messages, '(%d+) ([^\n]*)') do
  entries[#entries + 1] = batch_id .. ' ' .. received_at .. ' ' .. json
end
local id, received_at, _, json = string.match(entries[#entries], ENTRY)
entries[#entries] = id .. ' ' .. sealed_word(received_at, batch.releasedBy, batch.dueAtMs) .. ' ' .. json
local last_first = {}
for i = #entries, 1, -1 do last_first[#last_first + 1] = entries[i] end

record('redriven', batch_id, conversation, 'count', #entries, 'by', by)
push('LPUSH', P .. MESSAGES .. conversation, last_first)
redis.call('HDEL', P .. DEAD, batch_id)
if not held then schedule(conversation, now, now) end
announce(BATCH_UPDATED, conversation, batch_id,
  ',"count":' .. #entries .. ',"dueInMs":0' .. (held and ',"held":true' or '') .. ',"db":' .. db)
return conversation
