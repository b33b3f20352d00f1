--- include "entry"
--- include "schedule"
--- include "record"
--- include "batch-updated"
-- Seals the open batch: it is due now, or as soon as its conversation is free (`held`). `open`: its id, count,
-- supersedes, and the last entry of its list. `reason`: why, one of the reasons of a release.
local function seal_open(conversation, open, reason, held, now, db)
  record('sealed', open.id, conversation, 'reason', reason, 'count', open.count)
  local id, received_at, _, json = read_entry(open.last)
  local word = sealed_word(received_at, reason, now, open.supersedes)
  call('LSET', P .. MESSAGES .. conversation, -1, id .. ' ' .. word .. ' ' .. json)
  call('DEL', P .. HEADER .. conversation)
  if not held then schedule(conversation, open.id, now, now, db) end
  notify_updated(conversation, open.id, { count = open.count, due_in = 0, held = held and true }, db)
end
