-- Runs a command with any number of values, in steps, because `unpack` fails on some 8,000. Returns the last reply.
local PUSH_STEP = 1000

local function push(command, key, values)
  local reply
  for i = 1, #values, PUSH_STEP do
    reply = call(command, key, unpack(values, i, math.min(i + PUSH_STEP - 1, #values)))
  end
  return reply
end
