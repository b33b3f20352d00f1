-- An entry of a conversation's list: `<batchId> <receivedAtMs> <json>`. In the last entry of a sealed batch the
-- second word carries the seal: `<receivedAtMs>:<reason>:<sealedAtMs>`. Behind it come `:committed` (or `:`) if the
-- batch was committed before it died, and `:<id>,<id>…` if it supersedes others. Scripts do not parse the JSON,
-- `["<id>","<text>",{<the rest>}]`. They only read its beginning: the message's id and its text (or null), to find
-- and edit a message.
local ENTRY = '^(%S+) (%d+)(%S*) ()'

local SEAL = '^:(%a+):(%d+):?(%a*):?(%S*)$'

-- `supersedes`: ids of batches, separated by spaces, or nil. `mark`: 'committed' or nil.
local function sealed_word(received_at, reason, sealed_at, supersedes, mark)
  local word = received_at .. ':' .. reason .. ':' .. sealed_at
  if supersedes then return word .. ':' .. (mark or '') .. ':' .. (string.gsub(supersedes, ' ', ',')) end
  return mark and word .. ':' .. mark or word
end

-- The parts of a seal: the reason, when it was sealed, the mark or '', and what it supersedes or nil.
local function read_seal(seal)
  local reason, sealed_at, mark, supersedes = string.match(seal, SEAL)
  return reason, sealed_at, mark, supersedes ~= '' and supersedes and (string.gsub(supersedes, ',', ' ')) or nil
end

-- Returns the batch id, the time of arrival, the seal or '', and the JSON. The JSON is cut off by its position: a
-- pattern would look at each of its bytes.
local function read_entry(entry)
  local batch_id, received_at, seal, json_begins = string.match(entry, ENTRY)
  return batch_id, received_at, seal, json_begins and string.sub(entry, json_begins)
end
