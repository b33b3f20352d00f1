--- include "store-rules"
-- The rules of a batch: the store's own, except for those that its header's field `rules` names. The field is absent if
-- its conversation has no rules of its own. It is JSON, `{"quietGapMs":6000,"scopes":{"quietGapMs":"shop"}}`, with the
-- names of the settings; `scopes` says where each of them comes from.

local function rules_of(text, store_rules)
  if not text or text == '' then return store_rules end
  return setmetatable(cjson.decode(text), { __index = store_rules })
end

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

-- How long after its last message a batch may be handed over before it is due; 0: not before.
local function early_of(rules)
  return rules.answering == 'supersede' and rules.earlyStartMs or 0
end

-- How long the header lives: longer than any quiet gap.
local function ttl_of(rules, store_ttl)
  return store_ttl > rules.quietGapMs and store_ttl or 2 * rules.quietGapMs
end
