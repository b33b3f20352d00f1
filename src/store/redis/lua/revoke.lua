#!lua flags=allow-oom
--[[
Removes a message that no processor has claimed, if it is among the last 100 messages and the last megabyte. A batch
without messages is gone. A message of a batch that can be superseded goes back to the list first. If the message has
held back its batch until its text comes, the batch waits for it no more. A message that has not come yet is remembered
as seen, so that it is dropped when it comes; but not if only its author may revoke it: who that is shows when it comes.

KEYS  1 the prefix
ARGV  1 conversation  2 the message's id as JSON  3 its digest  4 its id for the history
      5 how long ids are remembered  6 database number
      7 id for the batch that supersedes another, or ''  8 header TTL  9 to 16 the store's rules (rules.lua)
      then, if only its author may revoke it, the ids that the author may have, as JSON
Returns 'revoked', 'tooLate' if the message has come and is not found, 'remembered', 'notAuthor', or 'unknown' if it
      has not come and is not remembered
--]]
--- include "names"
--- include "now"
--- include "find"
--- include "seen"
--- include "hold"
--- include "head"
--- include "start"
--- include "schedule"
--- include "record"
--- include "batch-updated"
--- include "check-types"
--- include "reopen"
--- include "end-hold"
local conversation, id, digest, recorded = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local FIRST_AUTHOR = 9 + STORE_RULES
local dedupe, db = tonumber(ARGV[5]), ARGV[6]
local store_rules, store_ttl = store_rules_at(9), tonumber(ARGV[8])

local now = read_clock()
local found = find_entry(conversation, id)
local seen = is_seen(conversation, digest, now - dedupe)
local header = call('HMGET', P .. HEADER .. conversation, 'batchId', 'count', 'bytes', 'dueAtMs')
local was_head = string.match(call('LINDEX', P .. MESSAGES .. conversation, 0) or '', '^%S+')
check_types(DUE)
local known = call('MGET', P .. HOLD .. conversation, P .. STATE .. conversation)
local holder, state = known[1], state_of(known[2])
local held = hold_until(holder)

if not found and ARGV[7] ~= '' and held then
  local old = read_superseded(conversation, holder)
  local json = old and find_line(old, id)
  if json then
    if not is_author({ json = json }, id, FIRST_AUTHOR) then return 'notAuthor' end
    check_types(CLAIMED, ANSWERING, HISTORY)
    reopen(conversation, old, ARGV[7], state, store_rules, store_ttl, now, db)
    found, held, was_head = find_entry(conversation, id), nil, ARGV[7]
    header = call('HMGET', P .. HEADER .. conversation, 'batchId', 'count', 'bytes', 'dueAtMs')
  end
end

if not found then
  if seen then return 'tooLate' end
  if ARGV[FIRST_AUTHOR] then return 'unknown' end
  call('ZADD', P .. SEEN .. conversation, now, digest)
  forget_seen(conversation, now - dedupe, 8, now + dedupe)
  return 'remembered'
end
if not is_author(found, id, FIRST_AUTHOR) then return 'notAuthor' end

local open = header[1] == found.batch_id
local count = open and tonumber(header[2]) - 1
record('revoked', found.batch_id, conversation, 'ids', '[' .. recorded .. ']')

-- The last entry of a batch carries its seal.
local before = found.seal ~= '' and call('LINDEX', P .. MESSAGES .. conversation, found.index - 1)
local before_id, before_received_at, _, before_json = read_entry(before or '')
if before_id == found.batch_id then
  call('LSET', P .. MESSAGES .. conversation, found.index - 1,
    before_id .. ' ' .. before_received_at .. found.seal .. ' ' .. before_json)
end
call('LREM', P .. MESSAGES .. conversation, -1, found.entry)
if open and count > 0 then
  call('HSET', P .. HEADER .. conversation, 'count', count, 'bytes', tonumber(header[3]) - #found.json)
elseif open then
  call('DEL', P .. HEADER .. conversation)
end

local head = head_of(conversation)
if not head then
  call('DEL', P .. QUIET .. conversation)
  call('ZREM', P .. DUE, conversation)
elseif not held and head.batch_id ~= was_head then
  schedule(conversation, head.batch_id, start_of(head, now, store_rules), now, db, furthest_of(head, store_rules))
end
-- What it has held back is due when that would be without it.
local is_released = end_hold(conversation, state, id, found.batch_id, held, store_rules, store_ttl, now, db)
if open and count > 0 and not is_released then
  local due_in = math.max(tonumber(header[4]) - now, 0)
  notify_updated(conversation, found.batch_id, { count = count, due_in = due_in, held = held and true }, db)
end
return 'revoked'
