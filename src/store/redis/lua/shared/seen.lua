--- include "whole"
--- include "push"
-- The message ids that a conversation has seen: their digests, by the time each was seen. Beside them are the ids of
-- messages that the bot sent, each with `>` in front (`>` alone has the time of the last one), and of own messages of
-- persons, each with `<` in front.
local SENT, OWN = '>', '<'

-- True if this score of a digest says that its id was seen after `since`.
local function is_after(seen_at, since)
  return seen_at and tonumber(seen_at) > since
end

local function is_seen(conversation, digest, since)
  return is_after(call('ZSCORE', P .. SEEN .. conversation, digest), since)
end

-- Forgets ids that were seen before `since`, at most `limit` of them: cutting a long tail at once would block Redis.
-- The key lives until `at`, or longer if its TTL is longer.
local function forget_seen(conversation, since, limit, at)
  local key = P .. SEEN .. conversation
  local old = call('ZRANGE', key, '-inf', whole(since), 'BYSCORE', 'LIMIT', '0', whole(limit))
  if #old > 0 then push('ZREM', key, old) end
  if call('PEXPIRETIME', key) < at then call('PEXPIREAT', key, whole(at)) end
end
