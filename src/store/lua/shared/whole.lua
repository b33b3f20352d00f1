-- A whole number as text. Redis and Lua write numbers as they write fractions, which costs as much as a small command.
local function whole(number)
  return string.format('%d', number)
end
