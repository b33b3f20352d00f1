--- include "entries-within"
--- include "recorded-id"
--- include "record"
--- include "check-types"
--- include "supersede"
-- Discards the messages of a conversation that no processor has claimed, and those of a batch that can be superseded.

-- Names of messages are read from the first ones, up to so many bytes of them.
local NAMED_BYTES = 1048576

-- `holder`: the batch that holds the conversation. `step`: of the history. Returns how many messages.
local function discard(conversation, holder, step, by, may_supersede, db)
  local count = call('LLEN', P .. MESSAGES .. conversation)
  local batch_id = call('HGET', P .. HEADER .. conversation, 'batchId')
  check_types(DUE)
  local old = may_supersede and supersedable(holder) or nil
  if old then
    check_types(CLAIMED, ANSWERING, HISTORY)
    count = count + old.count
  end
  if count == 0 then return 0 end
  local ids, first_id = {}, nil
  for i, line in ipairs(old and read_lines(old) or {}) do
    if i > IDS_RECORDED then break end
    ids[i] = recorded_id(line, string.find(line, ' ', 1, true) + 1)
  end
  for _, entry in ipairs(entries_within(P .. MESSAGES .. conversation, 0, IDS_RECORDED - #ids, NAMED_BYTES)) do
    local _, _, _, json_begins = string.match(entry, ENTRY)
    -- Another program's entry names a batch of its own kind, or none.
    first_id = first_id or string.match(entry, '^%S*')
    if json_begins then ids[#ids + 1] = recorded_id(entry, json_begins) end
  end
  if old then end_superseded(conversation, old, '') end
  record(step, batch_id or first_id or old.id, conversation,
    'count', count, 'by', by, 'ids', '[' .. table.concat(ids, ',') .. ']')
  call('UNLINK', P .. MESSAGES .. conversation, P .. HEADER .. conversation, P .. QUIET .. conversation)
  call('ZREM', P .. DUE, conversation)
  if old then record_superseded(conversation, old, '', db) end
  return count
end
