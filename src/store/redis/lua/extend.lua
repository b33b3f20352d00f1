#!lua flags=allow-oom
--[[
A sign of typing moves the due time of the open batch, never past its max wait, and only if it is not due yet.

KEYS  1 the prefix
ARGV  1 conversation  2 by how many ms the sign extends it  3 max wait  4 header TTL  5 database number
Returns { batch id, ms until it is due }, or nil if no batch is open or it is due
--]]
--- include "names"
--- include "now"
--- include "hold"
--- include "schedule"
--- include "record"
--- include "batch-updated"
--- include "check-types"
local conversation, worth, max_wait, ttl, db = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]

local now = read_clock()
local header = call('HMGET', P .. HEADER .. conversation, 'batchId', 'count', 'firstAtMs', 'dueAtMs')
local waiting = call('LLEN', P .. MESSAGES .. conversation)
check_types(DUE)
local held = hold_of(conversation)
if not header[1] or waiting == 0 then return nil end
local batch_id, count, first, due = header[1], tonumber(header[2]), tonumber(header[3]), tonumber(header[4])
if now >= due then return nil end

local extended = math.max(due, math.min(now + worth, first + max_wait))
if extended == due then return { batch_id, due - now } end
record('extended', batch_id, conversation, 'byMs', extended - due)
call('HSET', P .. HEADER .. conversation, 'dueAtMs', extended,
  'dueBy', extended == first + max_wait and 'maxWait' or 'gap')
call('PEXPIREAT', P .. HEADER .. conversation, extended + ttl, 'GT')
if not held and waiting == count then schedule(conversation, batch_id, extended, now, db) end
notify_updated(conversation, batch_id, { count = count, due_in = extended - now, held = held and true }, db)
return { batch_id, extended - now }
