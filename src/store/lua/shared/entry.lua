-- An entry of a conversation's list is `<batchId> <receivedAtMs> <json>`. The last entry of a sealed run carries the
-- seal in its second word, `<receivedAtMs>:<reason>:<sealedAtMs>`. The JSON is opaque, but for its
-- beginning: the message's id, and its text if it has one, by which it is found and edited.
local ENTRY = '^(%S+) (%d+)(%S*) ()'
local SEAL = '^:(%a+):(%d+)$'

local function sealed_word(received_at, reason, sealed_at)
  return received_at .. ':' .. reason .. ':' .. sealed_at
end

-- Batch id, time of arrival, seal or '', JSON. The JSON is cut off by its place: a pattern would look at each of its bytes.
local function read_entry(entry)
  local batch_id, received_at, seal, json_begins = string.match(entry, ENTRY)
  return batch_id, received_at, seal, json_begins and string.sub(entry, json_begins)
end
