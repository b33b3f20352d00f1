-- The history names this many messages of a batch, and cuts a longer id to this many characters.
local IDS_RECORDED = 100
local ID_RECORDED = 80

-- The id of a message for the history, as JSON. `text` holds the message's JSON from `json_begins` on.
local function recorded_id(text, json_begins)
  local id = string.match(text, '^%[("[^"\\]*")', json_begins)
  if id and #id <= ID_RECORDED + 2 then return id end
  -- Goes character by character, and takes an escape as one: what is cut must still be JSON and UTF-8.
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
