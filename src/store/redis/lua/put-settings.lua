#!lua
--[[
Stores the rules of a scope, or removes them, and publishes the change.

KEYS  1 the prefix
ARGV  1 scope  2 its rules as JSON, or '' to remove them  3 what they were, or '' for none
      4 the most scopes there may be  5 database number
Returns 'put', 'changed' if they were something else, or 'full'
--]]
--- include "names"
local scope, json, most = ARGV[1], ARGV[2], tonumber(ARGV[4])

local was = call('HGET', P .. SETTINGS, scope) or ''
if was ~= ARGV[3] then return 'changed' end
if was == '' and json ~= '' and call('HLEN', P .. SETTINGS) >= most then return 'full' end
local version = call('INCR', P .. SETTINGS_VERSION)
if json == '' then call('HDEL', P .. SETTINGS, scope) else call('HSET', P .. SETTINGS, scope, json) end
call('PUBLISH', P .. SETTINGS_CHANGED, cjson.encode({
  scope = scope, json = json ~= '' and json or nil, version = version, db = tonumber(ARGV[5]) }))
return 'put'
