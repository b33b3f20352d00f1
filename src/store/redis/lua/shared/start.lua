--- include "rules"
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
