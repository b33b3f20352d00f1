--- include "entry"
--- include "schedule"
--- include "record"
--- include "publish"
--- include "superseded-ids"
-- Supersedes the batch that holds a conversation: its messages go back to the conversation's list, or are discarded.
-- Only with `answering: 'supersede'`, of the store or of the conversation. The field `supersedable` of a claimed or
-- handed-over batch says that it was released by its quiet gap or its early start, and is not committed.

-- How long a superseded batch is remembered, for a `commit` that comes late: of a worker that was frozen, say.
local SUPERSEDED_KEPT_MS = 3600000

-- The batch `holder`, or nil if it can't be superseded. Only reads.
local function supersedable(holder)
  if not holder then return nil end
  for _, state in ipairs({ { CLAIMED_BATCH, CLAIMED }, { HANDED_OVER, ANSWERING } }) do
    local key = P .. state[1] .. holder
    local fields = call('HMGET', key, 'supersedable', 'count', 'firstAtMs', 'lastAtMs', 'dueAtMs', 'supersedes',
      'rules')
    if fields[1] then
      return { id = holder, key = key, set = state[2], count = tonumber(fields[2]), first_at = tonumber(fields[3]),
        last_at = tonumber(fields[4]), due_at = tonumber(fields[5]),
        superseded = join_superseded(fields[6] or nil, holder), rules = fields[7] }
    end
  end
  return nil
end

-- A larger batch is not superseded: each message that supersedes copies all before it, and this much takes Redis some
-- 5 ms, and the claim as long.
local MOST_SUPERSEDED_BYTES = 1048576

-- Reads its messages, as lines of `<receivedAtMs> <json>`, and the bytes of their JSON. No lines if they are too large.
local function read_lines(old)
  local lines, bytes = {}, 0
  if call('HSTRLEN', old.key, 'messages') > MOST_SUPERSEDED_BYTES then return lines, bytes end
  for line in string.gmatch(call('HGET', old.key, 'messages') or '', '[^\n]+') do
    lines[#lines + 1] = line
    bytes = bytes + #line - string.find(line, ' ', 1, true)
  end
  return lines, bytes
end

-- The same batch with its `lines` and `bytes`, or nil if it can't be read.
local function with_lines(old)
  old.lines, old.bytes = read_lines(old)
  return #old.lines > 0 and old or nil
end

-- The batch `holder` with its `lines` and `bytes`, or nil if it can't be superseded. Nil also if messages wait behind
-- it: its messages and the new ones would overtake them. Only reads.
local function read_superseded(conversation, holder)
  local old = supersedable(holder)
  if not old or call('LLEN', P .. MESSAGES .. conversation) > 0 then return nil end
  return with_lines(old)
end

local function keep_end(batch_id, by)
  call('SET', P .. ENDED .. batch_id, 'superseded ' .. by, 'PX', SUPERSEDED_KEPT_MS)
end

-- Ends the lease or the hold of a superseded batch. To be called when its messages are in the list. `by`: the batch
-- that they belong to now, or '' if they were discarded.
local function end_superseded(conversation, old, by)
  call('DEL', old.key, P .. HOLD .. conversation)
  call('ZREM', P .. old.set, old.id)
  keep_end(old.id, by)
end

-- Always published, also if no subscriber is counted here: the batch's handler may be subscribed at a replica.
local function publish_superseded(conversation, batch_id, by, db)
  publish(BATCH_SUPERSEDED, conversation, batch_id, by == '' and '' or ',"by":"' .. by .. '"', ',"db":', db)
end

local function record_superseded(conversation, old, by, db)
  record('superseded', old.id, conversation, 'count', old.count, unpack(by == '' and {} or { 'by', by }))
  publish_superseded(conversation, old.id, by, db)
end

-- The due time of the batch that holds its conversation has moved: its handler may wait for it.
local function move_due(conversation, old, at, now, db)
  call('HSET', old.key, 'dueAtMs', at)
  publish(BATCH_MOVED, conversation, old.id, ',"dueInMs":', at - now, ',"db":', db)
end
