--- include "whole"
-- Redis's clock, in whole milliseconds: the only clock that is ever stored.
local function read_clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
