--- include "whole"
--- include "push"
-- The ids that a conversation has seen, as digests, each with the time at which it came.

local function is_seen(conversation, digest, since)
  local seen_at = redis.call('ZSCORE', P .. SEEN .. conversation, digest)
  return seen_at and tonumber(seen_at) > since
end

-- Notes an id; false where it has been seen within the time that ids are remembered.
local function see(conversation, digest, now, dedupe)
  local key, at = P .. SEEN .. conversation, whole(now)
  if redis.call('ZADD', key, 'NX', at, digest) == 1 then return true end
  if is_seen(conversation, digest, now - dedupe) then return false end
  redis.call('ZADD', key, at, digest)
  return true
end

-- Forgets the ids from before `since`, so many at most: a long tail cut in one go would block Redis. They are kept until
-- `at`, or for longer if that was said before.
local function forget_seen(conversation, since, limit, at)
  local key = P .. SEEN .. conversation
  local old = redis.call('ZRANGE', key, '-inf', whole(since), 'BYSCORE', 'LIMIT', 0, limit)
  if #old > 0 then push('ZREM', key, old) end
  if redis.call('PEXPIRETIME', key) < at then redis.call('PEXPIREAT', key, whole(at)) end
end
