#!lua flags=no-writes
--[[
One conversation as it is now.

KEYS  1 the prefix
ARGV  1 conversation  2 how many of its last messages
Returns { now, waiting, { batchId, count, bytes, firstAtMs, lastAtMs, dueAtMs } of the open batch,
      holder or '', 1 if the holder is claimed, entries, the time it may go or '' where nothing may }
--]]
--- include "now"
local conversation, shown = ARGV[1], tonumber(ARGV[2])

local header = redis.call('HMGET', P .. HEADER .. conversation,
  'batchId', 'count', 'bytes', 'firstAtMs', 'lastAtMs', 'dueAtMs')
local holder = redis.call('GET', P .. HOLD .. conversation)
return {
  read_clock(),
  redis.call('LLEN', P .. MESSAGES .. conversation),
  header,
  holder or '',
  holder and redis.call('EXISTS', P .. CLAIMED_BATCH .. holder) or 0,
  redis.call('LRANGE', P .. MESSAGES .. conversation, -shown, -1),
  redis.call('ZSCORE', P .. DUE, conversation) or '',
}
