--- include "rules"
--- include "state"
-- When an open batch is due: at the earlier of its quiet gap and its max wait, unless something holds it back.

-- The quiet gap: the shorter one of a conversation whose typing can be seen.
local function gap_of(rules, state, now)
  local is_shorter = rules.typingGapMs > 0 and is_typing_seen(state, now)
  return is_shorter and math.min(rules.quietGapMs, rules.typingGapMs) or rules.quietGapMs
end

-- When the last of the holds of a batch ends, or nil.
local function holds_end(state, now, batch_id)
  local ends
  for _, hold in pairs(state and state.holds or {}) do
    local is_its = not hold.batch or hold.batch == batch_id
    if is_its and hold.at > now and (not ends or hold.at > ends) then ends = hold.at end
  end
  return ends
end

-- Returns the due time, why ('gap', 'typingGap' or 'maxWait'), and what the batch may not go before, or nil.
local function due_of(rules, state, batch_id, first_at, last_at, now)
  local gap = gap_of(rules, state, now)
  local latest = first_at + rules.maxWaitMs
  local due = last_at + gap
  -- Typing goes on until the sign is worth nothing more; what ended it was the last sign of life.
  if rules.typingGapMs > 0 and state and state.typedAt and state.typedAt >= last_at then
    due = math.max(due, state.typedAt + (state.typing or gap))
  end
  local by = latest < due and 'maxWait' or gap < rules.quietGapMs and 'typingGap' or 'gap'
  due = math.min(due, latest)
  local held_until = holds_end(state, now, batch_id)
  if held_until then
    local longest = first_at + math.max(rules.maxWaitMs, rules.holdMaxMs)
    held_until = math.min(held_until, longest)
    if held_until > due then due, by = held_until, held_until == longest and 'maxWait' or 'gap' end
  end
  local paused = paused_until(state, now)
  if paused then due, by, held_until = math.max(paused, last_at + gap), 'gap', math.max(paused, last_at + gap) end
  return due, by, held_until and math.min(held_until, due)
end
