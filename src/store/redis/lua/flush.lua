#!lua flags=allow-oom
--[[
Seals the open batch: due now, or as soon as its conversation is free.

KEYS  1 the prefix
ARGV  1 conversation  2 database number
Returns { batch id, count }, or nil where nothing is open
--]]
--- include "now"
--- include "entry"
--- include "hold"
--- include "schedule"
--- include "record"
local conversation, db = ARGV[1], ARGV[2]

local now = read_clock()
local header = redis.call('HMGET', P .. HEADER .. conversation, 'batchId', 'count')
local last = redis.call('LINDEX', P .. MESSAGES .. conversation, -1)
redis.call('ZCARD', P .. DUE)
local held = hold_of(conversation)
if not header[1] or not last then return nil end
local batch_id, count = header[1], header[2]

record('sealed', batch_id, conversation, 'reason', 'flush', 'count', count)
local id, received_at, _, json = read_entry(last)
redis.call('LSET', P .. MESSAGES .. conversation, -1, id .. ' ' .. sealed_word(received_at, 'flush', now) .. ' ' .. json)
redis.call('DEL', P .. HEADER .. conversation)
if not held then schedule(conversation, batch_id, now, now, db) end
announce(BATCH_UPDATED, conversation, batch_id,
  ',"count":' .. count .. ',"dueInMs":0' .. (held and ',"held":true' or '') .. ',"db":' .. db)
return { batch_id, tonumber(count) }
