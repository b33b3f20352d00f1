--- include "supersede"
--- include "start"
--- include "find"
--- include "recorded-id"
--- include "push"
--- include "due"
--- include "batch-updated"
-- For a correction of a message whose batch holds its conversation: the batch is superseded by an open one with the
-- same messages.

-- Puts its messages back into the list as the open batch `batch_id`, which is due when the old one was.
-- `state`: of the conversation, or nil. What held the old batch back holds this one.
local function reopen(conversation, old, batch_id, state, store_rules, store_ttl, now, db)
  local entries = {}
  for i, line in ipairs(old.lines) do entries[i] = batch_id .. ' ' .. line end
  push('RPUSH', P .. MESSAGES .. conversation, entries)
  end_superseded(conversation, old, batch_id)
  if move_holds(state, old.id, batch_id) then write_state(conversation, state, now) end
  local key, rules = P .. HEADER .. conversation, rules_of(old.rules, store_rules)
  call('HSET', key, 'batchId', batch_id, 'count', #entries, 'bytes', old.bytes, 'firstAtMs', old.first_at,
    'lastAtMs', old.last_at, 'dueAtMs', old.due_at, 'supersedes', old.superseded)
  if old.rules then call('HSET', key, 'rules', old.rules) end
  local _, _, not_before = due_of(rules, state, batch_id, old.first_at, old.last_at, now)
  old.not_before = not_before
  if not_before then call('HSET', key, 'notBeforeMs', not_before) end
  -- Past its max wait nothing supersedes it again, however often its messages are edited.
  if math.max(old.due_at, now) >= old.first_at + rules.maxWaitMs then call('HSET', key, 'dueBy', 'maxWait') end
  call('PEXPIREAT', key, math.max(now, old.due_at) + ttl_of(rules, store_ttl))
  schedule(conversation, batch_id, start_of(old, now, store_rules), now, db, furthest_of(old, store_rules))
  local _, _, _, json = read_entry(entries[1])
  record('opened', batch_id, conversation,
    'ids', '[' .. recorded_id(json, 1) .. ']', 'count', #entries, 'supersedes', old.superseded)
  record_superseded(conversation, old, batch_id, db)
  notify_updated(conversation, batch_id, { count = #entries, due_in = math.max(old.due_at - now, 0) }, db)
end
