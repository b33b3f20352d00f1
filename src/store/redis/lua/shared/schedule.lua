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

-- The shadow key of a conversation expires one millisecond before the conversation is due, because Redis keeps a key alive for
-- the whole millisecond in which it ends. The value is never read; Redis shares one `0` between all keys.
--
-- Redis announces the end of a shadow key as `expired` only if the key has expired by the clock of the script. Up to Redis 7.0
-- that clock stands still from the moment the script began, while `TIME` moves on. So a script may find that a shadow key has
-- ended, by `TIME`, which Redis still holds alive: deleting or changing it now would announce `del`, or nothing. It has to
-- stay until another script finds it expired.

-- When the shadow key ends; -1 if it has no TTL, -2 if there is none. One that has expired is announced by this call.
local function shadow_end(conversation)
  return redis.call('PEXPIRETIME', P .. QUIET .. conversation)
end

-- True if the shadow key has ended by `TIME` and not yet by Redis's own clock.
local function is_shadow_late(conversation, now)
  local ends_at = shadow_end(conversation)
  return ends_at >= 0 and ends_at < now
end

-- Sets the shadow key. If the conversation is due now, there is nothing to wait for: a shadow key that has not ended goes, and
-- none is set, since Redis announces nothing for a TTL in the past.
local function shadow(conversation, at, now)
  if at - 1 > now then
    redis.call('SET', P .. QUIET .. conversation, '0', 'PXAT', whole(at - 1))
    return
  end
  local ends_at = shadow_end(conversation)
  if ends_at == -1 or ends_at > now then redis.call('DEL', P .. QUIET .. conversation) end
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
