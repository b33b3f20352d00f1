-- The ids of superseded batches, separated by spaces.
local MOST_SUPERSEDED = 100

-- Two lists as one, of which either may be nil: the last MOST_SUPERSEDED ids.
local function join_superseded(a, b)
  if not a or not b then return a or b end
  local ids = a .. ' ' .. b
  local _, spaces = string.gsub(ids, ' ', '')
  for _ = MOST_SUPERSEDED, spaces do ids = string.gsub(ids, '^%S+ ', '') end
  return ids
end
