--- include "rules"
-- The first batch in a conversation's list: its id, its due time if it is open, and how many messages the whole list
-- holds. Nil if the list is empty. Only reads, so a key of a foreign type makes the script fail before its first
-- write.
local function head_of(conversation)
  local first = call('LINDEX', P .. MESSAGES .. conversation, 0)
  if not first then return nil end
  local header = call('HMGET', P .. HEADER .. conversation, 'batchId', 'dueAtMs', 'lastAtMs', 'rules',
    'notBeforeMs')
  local batch_id = string.match(first, '^%S+')
  return {
    batch_id = batch_id,
    waiting = call('LLEN', P .. MESSAGES .. conversation),
    due_at = header[1] == batch_id and tonumber(header[2]) or nil,
    last_at = tonumber(header[3]),
    rules = header[4],
    not_before = tonumber(header[5] or nil),
  }
end

-- When an open batch may be claimed: at its due time, or at its early start after its last message.
local function start_at(open, store_rules)
  local early = early_of(rules_of(open.rules, store_rules))
  local start = early > 0 and math.min(open.due_at, open.last_at + early) or open.due_at
  return math.max(start, open.not_before or 0)
end

-- How far ahead the rules alone allow that, for `schedule`; nil if it is now.
local function furthest_of(head, store_rules)
  return head.due_at and rules_of(head.rules, store_rules).maxWaitMs
end

-- When the first batch may be claimed: then if it is open, else now.
local function start_of(head, now, store_rules)
  return head.due_at and math.max(start_at(head, store_rules), now) or now
end
