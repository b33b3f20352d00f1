-- Publishes one JSON object on a channel. `more` is the rest of the object, as JSON text that begins with a comma.
local function announce(channel, conversation, batch_id, more)
  return redis.call('PUBLISH', P .. channel,
    '{"conversationId":' .. cjson.encode(conversation) .. ',"batchId":"' .. batch_id .. '"' .. more .. '}')
end
