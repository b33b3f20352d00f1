-- Aliases: the ids under which a provider names one person, as the conversations that they would have. The canonical
-- one is the person's conversation. The hash of any other id says, for each provider, which one that is.
local MOST_HOPS = 4
local DAY_MS = 86400000

-- The canonical id, or the id itself if it has none. A chain is possible if another program has deleted keys.
local function canonical_of(provider, id)
  for _ = 1, MOST_HOPS do
    local canonical = call('HGET', P .. ALIAS .. id, provider)
    if not canonical or canonical == id then break end
    id = canonical
  end
  return id
end

-- Renews a TTL, once a day at most.
local function keep(key, ttl)
  if call('PTTL', key) < ttl - DAY_MS then call('PEXPIRE', key, ttl) end
end

local function keep_alias(id, canonical, ttl)
  keep(P .. ALIAS .. id, ttl)
  keep(P .. ALIASES .. canonical, ttl)
end

-- `canonical`: nil if the ids have no aliases any more.
local function publish_aliases(provider, canonical, ids)
  call('PUBLISH', P .. ALIAS_LEARNT, cjson.encode({
    provider = provider, conversationId = canonical, aliases = ids }))
end
