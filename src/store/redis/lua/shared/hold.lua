-- Returns until when the batch `holder` holds its conversation, unless that is renewed; nil if there is no holder.
-- Returns nil and true for a stale hold: its batch was deleted by another program, so nothing would ever end it. Only
-- reads.
local function hold_until(holder)
  if not holder then return nil end
  if call('EXISTS', P .. CLAIMED_BATCH .. holder, P .. HANDED_OVER .. holder) == 0 then return nil, true end
  return tonumber(call('ZSCORE', P .. CLAIMED, holder) or call('ZSCORE', P .. ANSWERING, holder) or 0)
end

local function hold_of(conversation)
  return hold_until(call('GET', P .. HOLD .. conversation))
end
