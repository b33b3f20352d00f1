#!lua flags=allow-oom
--[[
Seals the open batch: it is due now, or as soon as its conversation is free.

KEYS  1 the prefix
ARGV  1 conversation  2 database number
Returns { batch id, count }, or nil if no batch is open
--]]
--- include "names"
--- include "now"
--- include "hold"
--- include "seal"
--- include "check-types"
local conversation, db = ARGV[1], ARGV[2]

local now = read_clock()
local header = call('HMGET', P .. HEADER .. conversation, 'batchId', 'count')
local last = call('LINDEX', P .. MESSAGES .. conversation, -1)
check_types(DUE)
local held = hold_of(conversation)
if not header[1] or not last then return nil end
local batch_id, count = header[1], header[2]
seal_open(conversation, batch_id, count, last, 'flush', held, now, db)
return { batch_id, tonumber(count) }
