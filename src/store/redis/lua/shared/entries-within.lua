--- include "entry"
-- The entries of a list from index `from` on, towards its end or (`from` below zero) towards its start: `count` of
-- them, or as many as have `most_bytes`, and one at least. They are read one by one, because a range may hold any
-- number of bytes. Only reads.
local function entries_within(key, from, count, most_bytes)
  local entries, bytes = {}, 0
  local step = from < 0 and -1 or 1
  while #entries < count and bytes < most_bytes do
    local entry = call('LINDEX', key, from + step * #entries)
    if not entry then break end
    entries[#entries + 1] = entry
    bytes = bytes + #entry
  end
  return entries
end
