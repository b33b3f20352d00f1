-- Redis's clock, in whole milliseconds: the only clock that is ever stored.
local function read_clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- A whole number as text. Redis and Lua write numbers as they write fractions, which costs as much as a small command.
local function whole(number)
  return string.format('%d', number)
end
