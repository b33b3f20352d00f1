--- include "entry"
--- include "schedule"
--- include "record"
--- include "batch-updated"
-- Seals the open batch: it is due now, or as soon as its conversation is free (`held`). `last`: the last entry of its
-- list. `reason`: why, one of the reasons of a release.
local function seal_open(conversation, batch_id, count, last, reason, held, now, db)
  record('sealed', batch_id, conversation, 'reason', reason, 'count', count)
  local id, received_at, _, json = read_entry(last)
  call('LSET', P .. MESSAGES .. conversation, -1, id .. ' ' .. sealed_word(received_at, reason, now) .. ' ' .. json)
  call('DEL', P .. HEADER .. conversation)
  if not held then schedule(conversation, batch_id, now, now, db) end
  notify_updated(conversation, batch_id, { count = count, due_in = 0, held = held and true }, db)
end
