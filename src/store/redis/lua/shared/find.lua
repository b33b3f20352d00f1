--- include "entry"
-- The entry of a message among the last `SEARCHED` that wait, with the one before it. `id` is the message's id as JSON: an
-- entry's JSON begins with it. Only reads.
local SEARCHED = 100

local function find_entry(conversation, id)
  local entries = redis.call('LRANGE', P .. MESSAGES .. conversation, -SEARCHED - 1, -1)
  local start = '[' .. id .. ','
  for i = #entries, math.max(#entries - SEARCHED + 1, 1), -1 do
    local batch_id, received_at, seal, json = read_entry(entries[i])
    if string.sub(json, 1, #start) == start then
      return { index = i - #entries - 1, batch_id = batch_id, received_at = received_at, seal = seal, json = json,
        entry = entries[i], before = entries[i - 1] }
    end
  end
  return nil
end
