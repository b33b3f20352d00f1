#!lua flags=allow-oom
--[[
Runs each command that some service refuses to scripts, and that Lull's scripts need. Leaves nothing behind.

KEYS  1 the prefix
Returns { an error for each command that was refused }
--]]
--- include "names"
--- include "layout"
local LATER_MS = 1000
local name = P .. PROBE
local refused = {}

local function try(...)
  local reply = redis.pcall(...)
  local err = type(reply) == 'table' and reply.err
  if err then refused[#refused + 1] = table.concat({ ... }, ' ', 1, 1) .. ': ' .. err end
  return reply
end

try('TIME')
try('XADD', name, 'MAXLEN', '~', HISTORY_LENGTH, '*', 'step', 'probe')
try('DEL', name)
try('SET', name, '0', 'PX', LATER_MS)
try('PEXPIRETIME', name)
try('DEL', name)
-- A second key of the same slot, which the call does not declare.
try('ZRANGE', P .. DUE, 0, 0)
try('PUBSUB', NUMSUB, name)
-- Whoever watches with a pattern would see it.
if try('PUBSUB', 'NUMPAT') == 0 then try(PUBLISH, name, '') end
return refused
