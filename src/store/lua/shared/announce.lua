-- Publishes one JSON object on a channel, where anybody subscribes to that or to any pattern: else it would be made for nobody.
-- What comes after the conversation and the batch is the rest of the object, as JSON text that begins with a comma, in pieces.
local heard = {}

local function is_heard(channel)
  if heard[channel] == nil then
    heard[channel] = redis.call('PUBSUB', 'NUMPAT') > 0 or redis.call('PUBSUB', 'NUMSUB', P .. channel)[2] > 0
  end
  return heard[channel]
end

local function announce(channel, conversation, batch_id, ...)
  if not is_heard(channel) then return end
  redis.call('PUBLISH', P .. channel, table.concat({
    '{"conversationId":', cjson.encode(conversation), ',"batchId":"', batch_id, '"', table.concat({ ... }), '}' }))
end
