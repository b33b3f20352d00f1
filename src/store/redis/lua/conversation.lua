#!lua flags=no-writes
--[[
Reads one conversation.

KEYS  1 the prefix
ARGV  1 conversation  2 how many of its last messages
Returns { now, messages that wait, { batchId, count, bytes, firstAtMs, lastAtMs, dueAtMs } of the open batch,
      the batch that holds it or '', 1 if that batch is claimed, entries, when it is due or '' if it is held or empty }
--]]
--- include "names"
--- include "now"
local conversation, shown = ARGV[1], tonumber(ARGV[2])

local header = call('HMGET', P .. HEADER .. conversation,
  'batchId', 'count', 'bytes', 'firstAtMs', 'lastAtMs', 'dueAtMs')
local holder = call('GET', P .. HOLD .. conversation)
return {
  read_clock(),
  call('LLEN', P .. MESSAGES .. conversation),
  header,
  holder or '',
  holder and call('EXISTS', P .. CLAIMED_BATCH .. holder) or 0,
  call('LRANGE', P .. MESSAGES .. conversation, -shown, -1),
  call('ZSCORE', P .. DUE, conversation) or '',
}
