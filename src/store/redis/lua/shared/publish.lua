--- include "layout"
-- Publishes one JSON object on a channel of this store: the conversation, the batch, and the rest as pieces of JSON.
-- The first of them begins with a comma. A partition of a Cluster publishes to its own shard, and to all nodes where
-- somebody subscribes with a pattern.
local function publish(channel, conversation, batch_id, ...)
  local text = table.concat({
    '{"conversationId":', cjson.encode(conversation), ',"batchId":"', batch_id, '"', table.concat({ ... }), '}' })
  call(PUBLISH, P .. channel, text)
  if PUBLISH ~= 'PUBLISH' and call('PUBSUB', 'NUMPAT') > 0 then call('PUBLISH', P .. channel, text) end
end

local patterns
local subscribed = {}

local function has_subscribers(channel)
  if subscribed[channel] == nil then
    patterns = patterns or call('PUBSUB', 'NUMPAT')
    subscribed[channel] = patterns > 0 or call('PUBSUB', NUMSUB, P .. channel)[2] > 0
  end
  return subscribed[channel]
end

-- The same for channels that only people watch: skipped when there are no subscribers.
local function notify(channel, ...)
  if has_subscribers(channel) then publish(channel, ...) end
end
