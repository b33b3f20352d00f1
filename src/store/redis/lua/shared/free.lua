--- include "head"
--- include "schedule"
--- include "batch-updated"
-- Ends the hold of a conversation. Its next batch may be claimed at its own time if it is still open, else now. Returns
-- the milliseconds until then, or -1 if no messages wait. `head`: what `head_of` returned before the first write.
local function free(conversation, head, now, db, store_rules)
  call('DEL', P .. HOLD .. conversation)
  if not head then return -1 end
  local at = start_of(head, now, store_rules)
  schedule(conversation, head.batch_id, at, now, db, furthest_of(head, store_rules))
  local due_in = math.max((head.due_at or now) - now, 0)
  notify_updated(conversation, head.batch_id, { count = head.waiting, due_in = due_in }, db)
  return at - now
end
