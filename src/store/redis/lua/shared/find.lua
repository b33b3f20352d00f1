--- include "entry"
-- Finds a message near the end of a conversation's list. `id`: the message's id as JSON, with which an entry's JSON
-- begins. Only reads. Entries are read one by one: the search ends after SEARCHED of them or SEARCHED_BYTES of JSON,
-- whichever comes first, however large the entries before them are.
local SEARCHED = 100
local SEARCHED_BYTES = 1048576

local function find_entry(conversation, id)
  local key, start = P .. MESSAGES .. conversation, '[' .. id .. ','
  local bytes = 0
  for back = 1, SEARCHED do
    local entry = call('LINDEX', key, -back)
    if not entry then return nil end
    local batch_id, received_at, seal, json_begins = string.match(entry, ENTRY)
    bytes = bytes + #entry - json_begins + 1
    if bytes > SEARCHED_BYTES then return nil end
    if string.sub(entry, json_begins, json_begins + #start - 1) == start then
      return { index = -back, batch_id = batch_id, received_at = received_at, seal = seal,
        json = string.sub(entry, json_begins), entry = entry }
    end
  end
  return nil
end

-- The JSON of a message in a batch that can be superseded, or nil; searched as `find_entry` searches. Only reads.
local function find_line(old, id)
  local start, bytes = '[' .. id .. ',', 0
  for back = 0, SEARCHED - 1 do
    local line = old.lines[#old.lines - back]
    if not line then return nil end
    local json_begins = string.find(line, ' ', 1, true) + 1
    bytes = bytes + #line - json_begins + 1
    if bytes > SEARCHED_BYTES then return nil end
    if string.sub(line, json_begins, json_begins + #start - 1) == start then return string.sub(line, json_begins) end
  end
  return nil
end

-- The bytes of JSON in the batch of a found message, or a number above `most` if there are more. Only reads, and no
-- more than `most` bytes and one entry.
local function run_bytes(conversation, found, most)
  local key, bytes = P .. MESSAGES .. conversation, #found.json
  for step = -1, 1, 2 do
    local index = found.index + step
    while index < 0 and bytes <= most do
      local entry = call('LINDEX', key, index)
      local batch_id, _, _, json_begins = string.match(entry or '', ENTRY)
      if batch_id ~= found.batch_id then break end
      bytes = bytes + #entry - json_begins + 1
      index = index + step
    end
  end
  return bytes
end

-- Where the rest of a message's JSON begins, behind its text. A JSON string ends at the first quote that no backslash
-- escapes: with each escaped character blanked out that is the first quote, however many escapes there are.
local function rest_begins(json, id)
  local begins = #'[' + #id + #',' + 1
  if string.sub(json, begins, begins) ~= '"' then return begins + #'null', begins end
  local unescaped = string.gsub(string.sub(json, begins + 1), '\\.', '__')
  return begins + 1 + string.find(unescaped, '"', 1, true), begins
end

-- True if one of the ids in ARGV from `first` on is the sender of a found message, or if there are none: then anybody
-- may change it. The rest of a message's JSON begins with its sender (entries.ts).
local function is_author(found, id, first)
  if not ARGV[first] then return true end
  local rest = rest_begins(found.json, id)
  for i = first, #ARGV do
    local sender = ',{"senderId":' .. ARGV[i]
    local named = string.sub(found.json, rest, rest + #sender)
    if named == sender .. ',' or named == sender .. '}' then return true end
  end
  return false
end
