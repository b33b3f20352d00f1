--- include "set-due"
-- The batch `batch_id` waits for the text of the message `id` no more. Returns whether it did, and is open.
local function end_hold(conversation, state, id, batch_id, held, store_rules, store_ttl, now, db)
  local hold = state and state.holds and state.holds[id]
  if not hold or hold.at <= now then return false end
  state.holds[id] = nil
  write_state(conversation, state, now)
  local open = open_of(conversation)
  if not open or open.batch_id ~= batch_id then return false end
  record('unheld', batch_id, conversation, 'key', id)
  local waiting = call('LLEN', P .. MESSAGES .. conversation)
  set_due(conversation, open, waiting, held, state, store_rules, store_ttl, now, db)
  return true
end
