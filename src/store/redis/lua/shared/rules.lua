--- include "store-rules"
-- The rules of a batch: the store's own, except for those that its header's field `rules` names. The field is absent if
-- its conversation has no rules of its own. It is JSON, `{"quietGapMs":6000,"scopes":{"quietGapMs":"shop"}}`, with the
-- names of the settings; `scopes` says where each of them comes from.

local function rules_of(text, store_rules)
  if not text or text == '' then return store_rules end
  return setmetatable(cjson.decode(text), { __index = store_rules })
end

-- How long after its last message a batch may be handed over before it is due; 0: not before.
local function early_of(rules)
  return rules.answering == 'supersede' and rules.earlyStartMs or 0
end

-- How long the header lives: longer than any quiet gap.
local function ttl_of(rules, store_ttl)
  return store_ttl > rules.quietGapMs and store_ttl or 2 * rules.quietGapMs
end
