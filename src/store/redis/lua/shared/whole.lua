-- A whole number as text. Redis and Lua write numbers as they write fractions, which costs as much as a small command; and of
-- the times of one call many are the same.
local texts = {}

local function whole(number)
  local text = texts[number]
  if not text then
    text = string.format('%d', number)
    texts[number] = text
  end
  return text
end
