-- Redis's clock in whole milliseconds. Every time that is stored comes from it.
local function read_clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
