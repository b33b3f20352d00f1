#!lua flags=allow-oom
--[[
Forgets what is known of a person's ids.

KEYS  1 the prefix
ARGV  the ids, as `same-person` lists them
--]]
--- include "names"
--- include "alias"
--- include "check-types"
for _, id in ipairs(ARGV) do
  check_type('HLEN', ALIAS .. id)
  check_type('SCARD', ALIASES .. id)
end
for _, id in ipairs(ARGV) do call('DEL', P .. ALIAS .. id, P .. ALIASES .. id) end
publish_aliases(nil, nil, ARGV)
