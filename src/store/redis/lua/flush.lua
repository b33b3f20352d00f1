#!lua flags=allow-oom
--[[
Seals the open batch: it is due now, or as soon as its conversation is free. A batch that was handed out before its due
time is due now, too, and is not superseded any more.

KEYS  1 the prefix
ARGV  1 conversation  2 database number  3 '1' if answers may be superseded
Returns { batch id, count } of the open batch, else of the one that is due now; or nil if there is neither
--]]
--- include "names"
--- include "now"
--- include "hold"
--- include "seal"
--- include "check-types"
--- include "supersede"
local conversation, db = ARGV[1], ARGV[2]

local now = read_clock()
local header = call('HMGET', P .. HEADER .. conversation, 'batchId', 'count', 'supersedes')
local last = call('LINDEX', P .. MESSAGES .. conversation, -1)
check_types(DUE)
local holder = call('GET', P .. HOLD .. conversation)
local held = hold_until(holder)

-- Makes the batch that holds the conversation due. Returns what the script returns.
local function flush_holder()
  local old = ARGV[3] == '1' and held and supersedable(holder)
  if not old or now >= old.due_at then return nil end
  record('sealed', old.id, conversation, 'reason', 'flush', 'count', old.count)
  call('HDEL', old.key, 'supersedable')
  move_due(conversation, old, now, now, db)
  return { old.id, old.count }
end

local holder_flushed = flush_holder()
if not header[1] or not last then return holder_flushed end
local batch_id, count = header[1], header[2]
local open = { id = batch_id, count = count, last = last, supersedes = header[3] or nil }
seal_open(conversation, open, 'flush', held, now, db)
return { batch_id, tonumber(count) }
