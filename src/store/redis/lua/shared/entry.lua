-- An entry of a conversation's list is `<batchId> <receivedAtMs> <json>`. The last entry of a sealed run carries the
-- seal in its second word, `<receivedAtMs>:<reason>:<sealedAtMs>`. The JSON, `["<id>","<text>",{<the rest>}]`, is opaque
-- but for its beginning: the message's id, and its text or null, by which it is found and edited.
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

-- The id of a message as the history names it: as JSON, and cut where it is very long. The message's JSON begins at `json_begins`.
local ID_RECORDED = 80
-- The history names this many messages of a batch.
local IDS_RECORDED = 100

local function recorded_id(text, json_begins)
  local id = string.match(text, '^%[("[^"\\]*")', json_begins)
  if id and #id <= ID_RECORDED + 2 then return id end
  -- Character by character, an escape being one: a cut must leave it JSON, and UTF-8.
  local begins = json_begins + #'["'
  local next = begins
  while next - begins < ID_RECORDED do
    local _, last = string.find(text, '^\\u%x%x%x%x', next)
    if not last then _, last = string.find(text, '^\\.', next) end
    if not last then _, last = string.find(text, '^[^"\\\128-\191][\128-\191]*', next) end
    if not last then break end
    next = last + 1
  end
  return '"' .. string.sub(text, begins, next - 1) .. '"'
end
