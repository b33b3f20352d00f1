--- include "record"
--- include "set-due"
-- After the end of a pause was moved, or it has ended (`state.pausedUntil` is nil): what it has collected is due a
-- quiet gap after its last message, and its max wait begins now.
local function set_pause_end(conversation, state, open, waiting, held, by, store_rules, store_ttl, now, db)
  local ends_at, batch_id = state.pausedUntil, open and open.batch_id or ''
  write_state(conversation, state, now)
  if ends_at then
    call('ZADD', P .. PAUSED, ends_at, conversation)
    record('pause', batch_id, conversation, 'untilMs', ends_at, 'keep', state.keep, 'by', by)
  else
    call('ZREM', P .. PAUSED, conversation)
    record('resumed', batch_id, conversation, 'by', by)
  end
  if not open or waiting == 0 then return end
  if not ends_at then
    open.first_at = now
    call('HSET', P .. HEADER .. conversation, 'waitsFromMs', now)
  end
  set_due(conversation, open, waiting, held, state, store_rules, store_ttl, now, db)
end
