--- include "schedule"
--- include "batch-updated"
-- Ends the hold of a conversation. Its next batch is due at its own time if it is still open, else now. Returns the
-- milliseconds until then, or -1 if no messages wait. `head`: what `head_of` returned before the first write.
local function free(conversation, head, now, db)
  call('DEL', P .. HOLD .. conversation)
  if not head then return -1 end
  local at = math.max(head.due_at or now, now)
  schedule(conversation, head.batch_id, at, now, db)
  notify_updated(conversation, head.batch_id, { count = head.waiting, due_in = at - now }, db)
  return at - now
end
