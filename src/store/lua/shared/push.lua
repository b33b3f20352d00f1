-- A command with any number of values, in steps: `unpack` fails on some 8,000.
local PUSH_STEP = 1000

local function push(command, key, values)
  for i = 1, #values, PUSH_STEP do
    redis.call(command, key, unpack(values, i, math.min(i + PUSH_STEP - 1, #values)))
  end
end
