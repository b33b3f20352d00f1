local RULE_OF_REASON = { gap = 'quietGapMs', maxWait = 'maxWaitMs', early = 'earlyStartMs',
  typingGap = 'typingGapMs', maxMessages = 'maxMessages', maxBytes = 'maxBytes' }

-- For the history: which rule of the conversation's own released a batch, and where that comes from, as the fields of a
-- step. Nothing if it was one of the store's, except for the typing gap: the reason alone, 'gap', would name another
-- rule. `text`: the header's field, or false. `reason`: why it was released or due. `silence`: ms from the batch's last
-- message to its due time, for the reason 'gap': other things than the quiet gap may have moved it.
local function rule_fields(text, reason, store_rules, silence)
  local name = RULE_OF_REASON[reason]
  local rules = name and text and text ~= '' and cjson.decode(text)
  if reason == 'gap' and rules and silence ~= rules.quietGapMs then return end
  local value, scope = rules and rules[name], rules and rules.scopes[name]
  if value and scope then return 'rule', name .. '=' .. value, 'scope', scope end
  if reason == 'typingGap' then return 'rule', name .. '=' .. store_rules[name], 'scope', 'environment' end
end

-- Why a batch is released that is due by the header's field `dueBy`, which may be absent.
local function released_by(due_by)
  return due_by == 'maxWait' and due_by or 'gap'
end
