-- A command that reads a key fails if the key has a foreign type. A script that fails half-way keeps its writes, so
-- it first checks every key that it will write and has not read.
local function check_type(probe, name)
  call(probe, P .. name)
end

-- The same for keys that all conversations share: DUE, CLAIMED, ANSWERING, HISTORY, DEAD.
local function check_types(name, ...)
  check_type(name == HISTORY and 'XLEN' or name == DEAD and 'HLEN' or 'ZCARD', name)
  if ... then check_types(...) end
end
