--- include "whole"
--- include "announce"
-- When a conversation may go. Processors are told, but of nothing that is due later than the first of what waits: each of them
-- knows when that is, unless it is long overdue. Then nobody may know of it.
local LONG_OVERDUE_MS = 1000

-- When the first is due, or nil where nothing waits. To be read before something is scheduled.
local function first_due()
  return tonumber(redis.call('ZRANGE', P .. DUE, 0, 0, 'WITHSCORES')[2])
end

local function tell_due(first, at, now, conversation, batch_id, db)
  if first and at >= first and first > now - LONG_OVERDUE_MS then return end
  -- Whether anybody hears: one whose connection stayed with what is a replica now hears it there.
  publish(NEXT_DUE, conversation, batch_id, ',"dueInMs":', whole(math.max(at - now, 0)), ',"db":', db)
end

-- The shadow key mirrors the due entry: it expires a millisecond before, since a key is still alive in the millisecond it is
-- due. A conversation whose time is up already has no shadow: a TTL in the past announces nothing. The value says nothing; Redis
-- keeps one `0` for all keys.
local function shadow(conversation, at, now)
  if at - 1 > now then
    redis.call('SET', P .. QUIET .. conversation, '0', 'PXAT', whole(at - 1))
  else
    redis.call('DEL', P .. QUIET .. conversation)
  end
end

-- The conversation, whose next batch is `batch_id`, may go at `at`. One whose time is up already keeps the moment from which it
-- could have gone.
local function schedule(conversation, batch_id, at, now, db)
  local first = first_due()
  if at - 1 > now then
    redis.call('ZADD', P .. DUE, whole(at), conversation)
  else
    redis.call('ZADD', P .. DUE, 'LT', whole(at), conversation)
  end
  shadow(conversation, at, now)
  tell_due(first, at, now, conversation, batch_id, db)
end
