-- Publishes one JSON object on a channel. What comes after the conversation and the batch is the rest of the object, as JSON text
-- that begins with a comma, in pieces.
local function publish(channel, conversation, batch_id, ...)
  redis.call('PUBLISH', P .. channel, table.concat({
    '{"conversationId":', cjson.encode(conversation), ',"batchId":"', batch_id, '"', table.concat({ ... }), '}' }))
end

local heard = {}

local function is_heard(channel)
  if heard[channel] == nil then
    heard[channel] = redis.call('PUBSUB', 'NUMPAT') > 0 or redis.call('PUBSUB', 'NUMSUB', P .. channel)[2] > 0
  end
  return heard[channel]
end

-- The same for whoever watches: nothing is made for nobody.
local function announce(channel, ...)
  if is_heard(channel) then publish(channel, ...) end
end
