-- What `pcall` caught, as text: Redis's errors are tables, Lua's own are strings.
local function error_text(caught)
  return type(caught) == 'table' and caught.err or tostring(caught)
end
