-- When to check again whether a batch is still being answered: within the interval, and at a time that many batches
-- share, so that one claim returns many of them.
local function next_check(now, check_ms)
  local grid = math.max(math.floor(check_ms / 4), 1)
  return math.floor((now + check_ms) / grid) * grid
end
