--- include "schedule"
-- Ends a conversation's hold. What waits in it may go: at its due time if it is still open, else now. Returns the
-- milliseconds until then, or -1 where nothing waits. `head` is what `head_of` read before the first write.
local function free(conversation, head, now, db)
  redis.call('DEL', P .. HOLD .. conversation)
  if not head then return -1 end
  local at = math.max(head.due_at or now, now)
  schedule(conversation, head.batch_id, at, now, db)
  announce(BATCH_UPDATED, conversation, head.batch_id,
    ',"count":', whole(head.waiting), ',"dueInMs":', whole(at - now), ',"db":', db)
  return at - now
end
