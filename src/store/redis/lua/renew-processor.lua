#!lua flags=allow-oom
--[[
Notes that a processor runs, or that it stops. Publishes a change of those that run: one is new, has stopped, or was
not renewed in time.

KEYS  1 the prefix
ARGV  1 owner  2 for how many ms it runs from now on; 0: it stops
Returns the owners that run
--]]
--- include "names"
--- include "now"
--- include "whole"
local owner, ttl = ARGV[1], tonumber(ARGV[2])
local now = read_clock()
local ends_at = whole(now + ttl)

local changed = call('ZREMRANGEBYSCORE', P .. PROCESSORS, '-inf', whole(now))
if ttl > 0 then
  changed = changed + call('ZADD', P .. PROCESSORS, ends_at, owner)
  -- Those that end later were renewed before Redis's clock stepped back. If they still run, they renew themselves.
  changed = changed + call('ZREMRANGEBYSCORE', P .. PROCESSORS, '(' .. ends_at, '+inf')
  call('PEXPIREAT', P .. PROCESSORS, ends_at)
else
  changed = changed + call('ZREM', P .. PROCESSORS, owner)
end
if changed > 0 then call('PUBLISH', P .. PROCESSORS_CHANGED, cjson.encode({ owner = owner })) end
return call('ZRANGE', P .. PROCESSORS, 0, -1)
