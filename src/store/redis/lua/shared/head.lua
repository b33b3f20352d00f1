-- The batch at the head of a conversation's list: its id, how many messages wait in the whole list, and, if it is still
-- open, its due time. Nil where nothing waits. Only reads, so that a key of a foreign type fails before any write.
local function head_of(conversation)
  local first = redis.call('LINDEX', P .. MESSAGES .. conversation, 0)
  if not first then return nil end
  local header = redis.call('HMGET', P .. HEADER .. conversation, 'batchId', 'dueAtMs')
  local batch_id = string.match(first, '^%S+')
  return {
    batch_id = batch_id,
    waiting = redis.call('LLEN', P .. MESSAGES .. conversation),
    due_at = header[1] == batch_id and tonumber(header[2]) or nil,
  }
end
