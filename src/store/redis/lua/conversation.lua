#!lua flags=no-writes
--[[
Reads one conversation.

KEYS  1 the prefix
ARGV  1 conversation  2 how many of its last messages  3 how many bytes of them
Returns { now, messages that wait, { batchId, count, bytes, firstAtMs, lastAtMs, dueAtMs } of the open batch,
      the batch that holds it or '', 1 if that batch is claimed, entries, the last first, when it is due or '' if it is
      held or empty, its state (state.lua) or '' }
--]]
--- include "names"
--- include "now"
--- include "entries-within"
local conversation, shown, shown_bytes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

local header = call('HMGET', P .. HEADER .. conversation,
  'batchId', 'count', 'bytes', 'firstAtMs', 'lastAtMs', 'dueAtMs')
local known = call('MGET', P .. HOLD .. conversation, P .. STATE .. conversation)
local holder = known[1]
return {
  read_clock(),
  call('LLEN', P .. MESSAGES .. conversation),
  header,
  holder or '',
  holder and call('EXISTS', P .. CLAIMED_BATCH .. holder) or 0,
  entries_within(P .. MESSAGES .. conversation, -1, shown, shown_bytes),
  call('ZSCORE', P .. DUE, conversation) or '',
  known[2] or '',
}
