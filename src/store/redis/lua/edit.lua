#!lua
--[[
Replaces the text of a message that no processor has claimed, if it is among the last 100 messages and the last
megabyte. Nothing else of the message changes, and its batch is due when it was: unless the open batch reaches its cap
of bytes, which seals it as an append does; during a pause it has none. A sealed batch does not grow past the cap. Has
no `allow-oom`: a longer text takes memory. A message of a batch that can be superseded goes back to the list first. If
the message has held back its batch until its text comes, the batch waits for it no more.

KEYS  1 the prefix
ARGV  1 conversation  2 the message's id as JSON  3 its digest  4 its id for the history
      5 the text as JSON  6 how long ids are remembered  7 database number
      8 id for the batch that supersedes another, or ''  9 header TTL  10 to 17 the store's rules (rules.lua)
      then, if only its author may edit it, the ids that the author may have, as JSON
Returns 'edited', 'tooLate' if the message has come and is not found or its batch may not grow, 'notAuthor' or
      'unknown'
--]]
--- include "names"
--- include "now"
--- include "find"
--- include "seen"
--- include "hold"
--- include "seal"
--- include "check-types"
--- include "reopen"
--- include "end-hold"
local conversation, id, digest, recorded, text = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local FIRST_AUTHOR = 10 + STORE_RULES
local dedupe, db, store_rules = tonumber(ARGV[6]), ARGV[7], store_rules_at(10)

local now = read_clock()
local found = find_entry(conversation, id)
local seen = is_seen(conversation, digest, now - dedupe)
local header = call('HMGET', P .. HEADER .. conversation, 'batchId', 'bytes', 'count', 'supersedes', 'rules')
check_types(DUE)
local known = call('MGET', P .. HOLD .. conversation, P .. STATE .. conversation)
local holder, state = known[1], state_of(known[2])
local held = hold_until(holder)

local function with_text(json)
  local rest, text_begins = rest_begins(json, id)
  return string.sub(json, 1, text_begins - 1) .. text .. string.sub(json, rest)
end

-- Returns what the script returns if nothing is to change, and the entry if it is in the list now.
local function take_back()
  local old = ARGV[8] ~= '' and held and read_superseded(conversation, holder)
  local json = old and find_line(old, id)
  if not json then return nil end
  if not is_author({ json = json }, id, FIRST_AUTHOR) then return 'notAuthor' end
  local edited = with_text(json)
  if edited == json then return 'edited' end
  if old.bytes + #edited - #json > rules_of(old.rules, store_rules).maxBytes then return nil end
  check_types(CLAIMED, ANSWERING, HISTORY)
  reopen(conversation, old, ARGV[8], state, store_rules, tonumber(ARGV[9]), now, db)
  return find_entry(conversation, id)
end

if not found then
  found = take_back()
  if type(found) == 'string' then return found end
  if found then
    header = call('HMGET', P .. HEADER .. conversation, 'batchId', 'bytes', 'count', 'supersedes', 'rules')
    held = nil
  end
end
if not found then return seen and 'tooLate' or 'unknown' end

if not is_author(found, id, FIRST_AUTHOR) then return 'notAuthor' end

local store_ttl, json = tonumber(ARGV[9]), found.json
local edited = with_text(json)
if edited == json then
  end_hold(conversation, state, id, found.batch_id, held, store_rules, store_ttl, now, db)
  return 'edited'
end
local grown = #edited - #json
local open = header[1] == found.batch_id
-- The rules of a sealed batch are not known any more.
local max_bytes = rules_of(open and header[5], store_rules).maxBytes
if not open and grown > 0 and run_bytes(conversation, found, max_bytes) + grown > max_bytes then return 'tooLate' end

record('edited', found.batch_id, conversation, 'ids', '[' .. recorded .. ']')
local entry = found.batch_id .. ' ' .. found.received_at .. found.seal .. ' ' .. edited
call('LSET', P .. MESSAGES .. conversation, found.index, entry)
if open then
  local bytes = header[2] + grown
  if bytes < max_bytes or paused_until(state, now) then
    call('HSET', P .. HEADER .. conversation, 'bytes', bytes)
  else
    local last = found.index == -1 and entry or call('LINDEX', P .. MESSAGES .. conversation, -1)
    local sealed = { id = found.batch_id, count = header[3], last = last, supersedes = header[4] or nil }
    seal_open(conversation, sealed, 'maxBytes', held, now, db)
  end
end
end_hold(conversation, state, id, found.batch_id, held, store_rules, store_ttl, now, db)
return 'edited'
