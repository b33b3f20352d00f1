#!lua
--[[
Begins to move a conversation into one that lies in another partition, as both are one person's: takes out its messages
and what is known of it, and keeps them as a move. A move is a handed-over batch without an answer: it holds the
conversation until `end-move`, so what comes meanwhile waits, and each answer check of a claim finds it again.

Only an open batch moves, as nobody knows its id yet. The ids of messages seen stay known here until the move ends.
Has no `allow-oom`.

KEYS  1 the prefix
ARGV  1 from  2 into, or '' to read a move that has begun  3 id of the move
Returns nil if there is nothing to move; 'later' if a batch holds the conversation, sealed batches wait, or what waits
      is too much; or { id of the move, its into, what moves as JSON, 1 if it has begun before }
--]]
--- include "names"
--- include "now"
--- include "entry"
--- include "hold"
--- include "check-types"
-- What two processes pass on at once, and what `take-in` reads.
local MOST_MESSAGES, MOST_BYTES, MOST_SEEN = 2000, 1048576, 10000
-- When a claim finds a move that nobody has ended.
local CHECK_AFTER_MS = 2000
local from, into, id = ARGV[1], ARGV[2], ARGV[3]

local now = read_clock()
check_types(DUE, ANSWERING, PAUSED)
local holder = call('GET', P .. HOLD .. from)
local begun = holder and call('HMGET', P .. HANDED_OVER .. holder, 'into', 'moving') or {}
if begun[1] then
  -- A write, which replicas are waited for; and who finds it next leaves it to the caller.
  call('ZADD', P .. ANSWERING, now + CHECK_AFTER_MS, holder)
  return { holder, begun[1], begun[2], 1 }
end
if into == '' then return nil end
if hold_until(holder) then return 'later' end

local count = call('LLEN', P .. MESSAGES .. from)
local header = call('HGETALL', P .. HEADER .. from)
local state = call('GET', P .. STATE .. from)
-- The newest ones.
local seen = call('ZRANGE', P .. SEEN .. from, 0, MOST_SEEN - 1, 'REV', 'WITHSCORES')
if count == 0 and #seen == 0 and not state then return nil end
if count > MOST_MESSAGES then return 'later' end
local fields = {}
for i = 1, #header, 2 do fields[header[i]] = header[i + 1] end
local list, bytes = call('LRANGE', P .. MESSAGES .. from, 0, -1), 0
for _, entry in ipairs(list) do
  bytes = bytes + #entry
  if bytes > MOST_BYTES or string.match(entry, '^%S+') ~= fields.batchId then return 'later' end
end

local moving = cjson.encode({ list = list, header = fields, headerEndsAtMs = call('PEXPIRETIME', P .. HEADER .. from),
  state = state or nil, seen = seen, seenEndsAtMs = call('PEXPIRETIME', P .. SEEN .. from) })
call('HSET', P .. HANDED_OVER .. id, 'conversationId', from, 'handedOverAtMs', now, 'count', count,
  'batchId', count > 0 and fields.batchId or '', 'into', into, 'moving', moving)
call('ZADD', P .. ANSWERING, now + CHECK_AFTER_MS, id)
call('SET', P .. HOLD .. from, id)
call('ZREM', P .. DUE, from)
call('ZREM', P .. PAUSED, from)
call('DEL', P .. MESSAGES .. from, P .. HEADER .. from, P .. QUIET .. from, P .. STATE .. from)
return { id, into, moving, 0 }
