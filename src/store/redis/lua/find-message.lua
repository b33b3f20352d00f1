#!lua flags=no-writes
--[[
Finds the conversation of an account in which a message waits, or is in a batch that can be superseded. Looks at the
conversations that are due last and at those that are held, never at groups.

KEYS  1 the prefix
ARGV  1 what the account's conversations begin with, or ''  2 the message's id as JSON  3 its digest
      4 how many conversations of each kind  5 '1' if an answer that is not committed may be superseded
Returns the conversation, or nil
--]]
--- include "names"
--- include "find"
--- include "supersede"
local account, id, digest, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local may_supersede = ARGV[5] == '1'

local function is_candidate(conversation)
  if string.find(conversation, '@g.us', 1, true) then return false end
  if account == '' then return not string.find(conversation, '/', 1, true) end
  return string.sub(conversation, 1, #account) == account
end

local function is_kept(conversation, holder)
  local old = may_supersede and holder and read_superseded(conversation, holder)
  return old and find_line(old, id)
end

-- True if the message waits, or `holder` has it. The ids seen answer that for nearly all conversations.
local function has_message(conversation, holder)
  return is_candidate(conversation) and call('ZSCORE', P .. SEEN .. conversation, digest)
    and (find_entry(conversation, id) or is_kept(conversation, holder))
end

for _, conversation in ipairs(call('ZREVRANGE', P .. DUE, 0, most - 1)) do
  if has_message(conversation) then return conversation end
end
for _, held in ipairs({ { CLAIMED, CLAIMED_BATCH }, { ANSWERING, HANDED_OVER } }) do
  for _, batch_id in ipairs(call('ZREVRANGE', P .. held[1], 0, most - 1)) do
    local conversation = call('HGET', P .. held[2] .. batch_id, 'conversationId')
    if conversation and has_message(conversation, batch_id) then return conversation end
  end
end
return nil
