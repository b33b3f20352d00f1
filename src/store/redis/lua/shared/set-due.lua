--- include "due"
--- include "schedule"
--- include "batch-updated"
local OPEN_FIELDS = { 'batchId', 'count', 'firstAtMs', 'lastAtMs', 'dueAtMs', 'rules', 'waitsFromMs' }

-- The open batch that a header describes, or nil. `first_at`: when its max wait begins.
local function open_of(conversation)
  local fields = call('HMGET', P .. HEADER .. conversation, unpack(OPEN_FIELDS))
  if not fields[1] then return nil end
  return { batch_id = fields[1], count = tonumber(fields[2]),
    first_at = tonumber(fields[7] or fields[3]), last_at = tonumber(fields[4]), due_at = tonumber(fields[5]),
    rules = fields[6] }
end

-- Sets anew when the open batch is due, after something of the conversation has changed.
-- `open`: { batch_id, count, first_at, last_at, due_at, rules }. Returns its due time.
local function set_due(conversation, open, waiting, held, state, store_rules, store_ttl, now, db)
  local rules = rules_of(open.rules, store_rules)
  local due, by, not_before = due_of(rules, state, open.batch_id, open.first_at, open.last_at, now)
  -- Not in the past, unless it has been due before.
  due = math.max(due, math.min(now, open.due_at))
  local key = P .. HEADER .. conversation
  call('HSET', key, 'dueAtMs', due, 'dueBy', by)
  if not_before then call('HSET', key, 'notBeforeMs', not_before) else call('HDEL', key, 'notBeforeMs') end
  local paused = paused_until(state, now)
  if paused then call('HSET', key, 'waitsFromMs', paused) end
  call('PEXPIREAT', key, due + ttl_of(rules, store_ttl), 'GT')
  if not held and waiting == open.count then
    local early = early_of(rules)
    local start = early > 0 and math.min(due, open.last_at + early) or due
    local at = math.max(start, not_before or 0, now)
    schedule(conversation, open.batch_id, at, now, db, rules.maxWaitMs)
  end
  local update = { count = open.count, due_in = math.max(due - now, 0), held = held and true }
  notify_updated(conversation, open.batch_id, update, db)
  return due
end
