#!lua flags=allow-oom
--[[
Finds the conversation of a person by one of the person's ids, and renews what it found.

KEYS  1 the prefix
ARGV  1 provider  2 TTL  3 the id, as a conversation
Returns the canonical id, or the same id if it is no alias
--]]
--- include "names"
--- include "alias"
local provider, ttl, id = ARGV[1], tonumber(ARGV[2]), ARGV[3]

local canonical = canonical_of(provider, id)
if canonical ~= id then keep_alias(id, canonical, ttl) end
return canonical
