-- Publishes one JSON object on a channel: the conversation, the batch, and the rest as pieces of JSON text. The first
-- of them begins with a comma.
local function publish(channel, conversation, batch_id, ...)
  call('PUBLISH', P .. channel, table.concat({
    '{"conversationId":', cjson.encode(conversation), ',"batchId":"', batch_id, '"', table.concat({ ... }), '}' }))
end

local subscribed = {}

local function has_subscribers(channel)
  if subscribed[channel] == nil then
    subscribed[channel] = call('PUBSUB', 'NUMPAT') > 0 or call('PUBSUB', 'NUMSUB', P .. channel)[2] > 0
  end
  return subscribed[channel]
end

-- The same for channels that only people watch: skipped when there are no subscribers.
local function notify(channel, ...)
  if has_subscribers(channel) then publish(channel, ...) end
end
