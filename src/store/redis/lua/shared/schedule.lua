--- include "whole"
--- include "publish"
--- include "shadow"
-- When a conversation is due: its entry in the due set, its shadow key, and the message to processors.

-- When the first conversation is due, or nil if none is. Read it before scheduling.
local function first_due()
  local score = call('ZRANGE', P .. DUE, '0', '0', 'WITHSCORES')[2]
  return score and math.ceil(score)
end

local LONG_OVERDUE_MS = 1000

-- Publishes to the processors only if this is now the earliest due time (`first`: what `first_due` returned), or if
-- the first conversation is long overdue: then perhaps no processor knows of it.
local function publish_next_due(first, at, now, conversation, batch_id, db)
  if first and at >= first and first > now - LONG_OVERDUE_MS then return end
  -- Also without subscribers here: after a failover a processor may still be connected to the old primary.
  publish(NEXT_DUE, conversation, batch_id, ',"dueInMs":', whole(math.max(at - now, 0)), ',"db":', db)
end

-- A score of the due set. One that is further ahead than the rules alone allow, since something holds the batch back,
-- is half a millisecond less: `claim` does not take it for a sign that the clock was set back.
local function due_score(at, now, furthest)
  return furthest and at > now + furthest and whole(at - 1) .. '.5' or whole(at)
end

-- The conversation, whose next batch is `batch_id`, is due at `at`. One that is due already keeps its earlier time.
-- `furthest`: how far ahead the rules alone allow that; if it is absent, any time is theirs.
local function schedule(conversation, batch_id, at, now, db, furthest)
  local first = first_due()
  if at - 1 > now then
    call('ZADD', P .. DUE, due_score(at, now, furthest), conversation)
  else
    call('ZADD', P .. DUE, 'LT', whole(at), conversation)
  end
  set_shadow(conversation, at, now)
  publish_next_due(first, at, now, conversation, batch_id, db)
end
