-- Until when the batch that holds a conversation does so, unless it is renewed; nil where nothing holds it. A hold whose batch
-- is gone (by a hand that is not Lull's) would hold for ever: it is none, and stale. Only reads.
local function hold_until(holder)
  if not holder then return nil end
  if redis.call('EXISTS', P .. CLAIMED_BATCH .. holder, P .. HANDED_OVER .. holder) == 0 then return nil, true end
  return tonumber(redis.call('ZSCORE', P .. CLAIMED, holder) or redis.call('ZSCORE', P .. ANSWERING, holder) or 0)
end

local function hold_of(conversation)
  return hold_until(redis.call('GET', P .. HOLD .. conversation))
end
