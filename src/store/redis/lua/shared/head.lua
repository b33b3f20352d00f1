-- The first batch in a conversation's list: its id, its due time if it is open, and how many messages the whole list
-- holds. Nil if the list is empty. Only reads, so a key of a foreign type makes the script fail before its first
-- write.
local function head_of(conversation)
  local first = call('LINDEX', P .. MESSAGES .. conversation, '0')
  if not first then return nil end
  local header = call('HMGET', P .. HEADER .. conversation, 'batchId', 'dueAtMs', 'lastAtMs', 'rules',
    'notBeforeMs')
  local batch_id = string.match(first, '^%S+')
  return {
    batch_id = batch_id,
    waiting = call('LLEN', P .. MESSAGES .. conversation),
    due_at = header[1] == batch_id and tonumber(header[2]) or nil,
    last_at = tonumber(header[3]),
    rules = header[4],
    not_before = tonumber(header[5] or nil),
  }
end
