--- include "whole"
-- The conversation may go at `at`. The shadow key mirrors the due entry: it expires a millisecond before, since a key is
-- still alive in the millisecond it is due. One whose time is up already has no shadow (a TTL in the past announces
-- nothing), and keeps the moment from which it could have gone.
local function schedule(conversation, at, now)
  if at - 1 > now then
    redis.call('ZADD', P .. DUE, whole(at), conversation)
    redis.call('SET', P .. QUIET .. conversation, '', 'PXAT', whole(at - 1))
  else
    redis.call('ZADD', P .. DUE, 'LT', whole(at), conversation)
    redis.call('DEL', P .. QUIET .. conversation)
  end
end
