--- include "whole"
--- include "publish"
--- include "head"
-- Puts the next batch of a freed conversation into the due set: at its own time if it is still open, else now. Only
-- some conversations have one, and a call pays for each function that it creates: these are created for the first one.
local schedule_next

local function scheduling()
  --- include "start"
  --- include "schedule"
  --- include "batch-updated"
  return function(conversation, head, now, db, store_rules)
    local at = start_of(head, now, store_rules)
    schedule(conversation, head.batch_id, at, now, db, furthest_of(head, store_rules))
    local due_in = math.max((head.due_at or now) - now, 0)
    notify_updated(conversation, head.batch_id, { count = head.waiting, due_in = due_in }, db)
    return at - now
  end
end

-- Ends the hold of a conversation. Returns the milliseconds until its next batch may be claimed, or -1 if no messages
-- wait. `head`: what `head_of` returned before the first write.
local function free(conversation, head, now, db, store_rules)
  call('DEL', P .. HOLD .. conversation)
  if not head then return -1 end
  schedule_next = schedule_next or scheduling()
  return schedule_next(conversation, head, now, db, store_rules)
end
