-- The text of what `pcall` caught: Redis's errors are tables, Lua's are strings.
local function error_text(caught)
  return type(caught) == 'table' and caught.err or tostring(caught)
end
