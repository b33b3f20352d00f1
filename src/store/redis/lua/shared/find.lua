--- include "entry"
-- Finds a message among the last `SEARCHED` entries of a conversation, and returns its entry with the one before it.
-- `id`: the message's id as JSON, with which an entry's JSON begins. Only reads.
local SEARCHED = 100

local function find_entry(conversation, id)
  local entries = call('LRANGE', P .. MESSAGES .. conversation, -SEARCHED - 1, -1)
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
