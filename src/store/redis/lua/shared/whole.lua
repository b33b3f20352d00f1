-- A whole number as text. Redis and Lua write a number as they write a fraction, which costs as much as a small
-- command, and most times within one call are equal. Measured with 200 requests a call: `append` takes 10 % less time
-- than with `string.format` alone and 20 % less than with plain numbers, `claim` 5 and 10 %. Scripts that do one
-- thing a call gain nothing: they pass numbers as they are.
local texts = {}

local function whole(number)
  local text = texts[number]
  if not text then
    text = string.format('%d', number)
    texts[number] = text
  end
  return text
end
