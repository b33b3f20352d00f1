#!lua flags=allow-oom
--[[
Commits a batch: from here on nothing supersedes it. Granted to a batch that holds its conversation, from its due time
on. It stays committed through a nack, the end of its lease, its death and its redrive.

KEYS  1 the prefix
ARGV  1 batch id  2 the longest time to a due time that any rules allow
Returns { 'go' }, { 'go', 1 } if it was committed before, { 'wait', ms until it is due }, { 'superseded', the batch that
      replaced it or '' }, { 'answered' } or { 'unknown' }
--]]
--- include "names"
--- include "now"
--- include "record"
--- include "check-types"
local batch_id, longest_wait = ARGV[1], tonumber(ARGV[2])

local function read(key)
  local fields = call('HMGET', key, 'conversationId', 'committedAtMs', 'dueAtMs', 'rules')
  return fields[1] and { key = key, conversation = fields[1], committed = fields[2], due_at = tonumber(fields[3]),
    max_wait = fields[4] and cjson.decode(fields[4]).maxWaitMs }
end

local now = read_clock()
check_types(HISTORY)
local batch = read(P .. CLAIMED_BATCH .. batch_id) or read(P .. HANDED_OVER .. batch_id)
if not batch or call('GET', P .. HOLD .. batch.conversation) ~= batch_id then
  local state, by = string.match(call('GET', P .. ENDED .. batch_id) or 'unknown', '^(%a+) ?(%S*)$')
  return { state, by }
end
if batch.committed then return { 'go', 1 } end
local wait = (batch.due_at or now) - now
-- A due time further ahead than any setting allows: Redis's clock was set back.
if wait > 0 and wait <= math.max(longest_wait, batch.max_wait or 0) then return { 'wait', wait } end

call('HSET', batch.key, 'committedAtMs', now)
local is_handed_over = batch.key == P .. HANDED_OVER .. batch_id
call('HDEL', batch.key, 'supersedable', unpack(is_handed_over and { 'messages', 'count' } or {}))
record('committed', batch_id, batch.conversation)
return { 'go' }
