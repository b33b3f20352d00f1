#!lua
--[[
Remembers that ids are one person's. The canonical one is the first of them that shows (not `@lid` or `@bsuid`), or
the one that it is an alias of; if all are hidden, the one that another is an alias of already, else the first. Every
alias points directly at the canonical id.

An id that shows becomes an alias only of an id in the same call: if a hidden id comes with another phone number than
before, it moves there alone, because a number can be given to another person. Has no `allow-oom`, as `append`.

A store of several partitions keeps all aliases in one place, whatever partitions their conversations lie in.

KEYS  1 the prefix
ARGV  1 provider  2 TTL  then the ids, as conversations
Returns { canonical id, the others: those of the call and those that pointed elsewhere }
--]]
--- include "names"
--- include "alias"
--- include "check-types"
local MOST_ALIASES = 16
local provider, ttl = ARGV[1], tonumber(ARGV[2])
local ids, is_given, roots = { unpack(ARGV, 3) }, {}, {}

local function is_hidden(id)
  return string.sub(id, -#'@lid') == '@lid' or string.sub(id, -#'@bsuid') == '@bsuid'
end

for i, id in ipairs(ids) do
  is_given[id] = true
  roots[i] = canonical_of(provider, id)
end

local function first_root(accepts)
  for i, root in ipairs(roots) do
    if accepts(ids[i], root) then return root end
  end
  return nil
end

local canonical = first_root(function(id) return not is_hidden(id) end)
  or first_root(function(_, root) return not is_hidden(root) end)
  or first_root(function(_, root) return call('SCARD', P .. ALIASES .. root) > 0 end)
  or roots[1]

-- What pointed elsewhere, or nowhere.
local moved, is_moved, before = {}, {}, {}

local function move(id)
  if id == canonical or is_moved[id] then return end
  is_moved[id] = true
  before[id] = call('HGET', P .. ALIAS .. id, provider)
  if before[id] then check_type('SCARD', ALIASES .. before[id]) end
  moved[#moved + 1] = id
end

for i, root in ipairs(roots) do
  if root ~= canonical then
    move(ids[i])
    if is_hidden(root) or is_given[root] then
      move(root)
      for _, member in ipairs(call('SMEMBERS', P .. ALIASES .. root)) do
        if call('HGET', P .. ALIAS .. member, provider) == root then move(member) end
      end
    end
  end
end
check_type('SCARD', ALIASES .. canonical)

local excess = #moved > 0 and call('SCARD', P .. ALIASES .. canonical) + #moved - MOST_ALIASES or 0
for _ = 1, excess do
  local dropped = call('SPOP', P .. ALIASES .. canonical)
  if dropped then call('DEL', P .. ALIAS .. dropped) end
end
for _, id in ipairs(moved) do
  if before[id] then call('SREM', P .. ALIASES .. before[id], id) end
  call('HSET', P .. ALIAS .. id, provider, canonical)
  call('SADD', P .. ALIASES .. canonical, id)
  keep_alias(id, canonical, ttl)
end
local others, is_listed = {}, { [canonical] = true }
for _, list in ipairs({ ids, moved }) do
  for _, id in ipairs(list) do
    if not is_listed[id] then
      is_listed[id] = true
      others[#others + 1] = id
      if not is_moved[id] then keep_alias(id, canonical, ttl) end
    end
  end
end
if #moved > 0 then publish_aliases(provider, canonical, moved) end
return { canonical, others }
