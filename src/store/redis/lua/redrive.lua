#!lua flags=allow-oom
--[[
Puts dead batches of one conversation back at the front of its list, in the order given, sealed, under their old ids.
A batch that died before its due time is due now. All or none.

KEYS  1 the prefix
ARGV  1 the caller  2 database number  then batch ids
Returns their conversation, or nil if one of them is not dead or belongs to another conversation
--]]
--- include "names"
--- include "now"
--- include "entry"
--- include "hold"
--- include "schedule"
--- include "record"
--- include "push"
--- include "batch-updated"
--- include "check-types"
local FIRST_ID = 3
local by, db = ARGV[1], ARGV[2]

local now = read_clock()
local conversation, entries, counts = nil, {}, {}
for i = FIRST_ID, #ARGV do
  local dead = call('HGET', P .. DEAD, ARGV[i])
  local batch = dead and cjson.decode(dead)
  if not batch or (conversation and batch.conversationId ~= conversation) or counts[ARGV[i]] then return nil end
  conversation = batch.conversationId
  local before = #entries
  local begins = 1
  while begins do -- Lines of `<receivedAtMs> <json>`.
    local ends = string.find(batch.messages, '\n', begins, true)
    entries[#entries + 1] = ARGV[i] .. ' ' .. string.sub(batch.messages, begins, ends and ends - 1)
    begins = ends and ends + 1
  end
  local id, received_at, _, json = read_entry(entries[#entries])
  entries[#entries] = id .. ' ' .. sealed_word(received_at, batch.releasedBy,
    math.min(batch.dueAtMs, now), batch.supersedes, batch.committedAtMs and 'committed') .. ' ' .. json
  counts[ARGV[i]] = #entries - before
end
check_type('LLEN', MESSAGES .. conversation)
check_types(DUE)
local held = hold_of(conversation)

local last_first = {}
for i = #entries, 1, -1 do last_first[#last_first + 1] = entries[i] end

for i = FIRST_ID, #ARGV do record('redriven', ARGV[i], conversation, 'count', counts[ARGV[i]], 'by', by) end
push('LPUSH', P .. MESSAGES .. conversation, last_first)
for i = FIRST_ID, #ARGV do call('HDEL', P .. DEAD, ARGV[i]) end
if not held then schedule(conversation, ARGV[FIRST_ID], now, now, db) end
notify_updated(conversation, ARGV[FIRST_ID], { count = counts[ARGV[FIRST_ID]], due_in = 0, held = held and true }, db)
return conversation
