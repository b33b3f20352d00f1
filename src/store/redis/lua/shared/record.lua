-- One entry of the history: a step of a batch's life, with what the step calls for, and never a text.
local HISTORY_LENGTH = 10000

local function record(step, batch_id, conversation, ...)
  redis.call('XADD', P .. HISTORY, 'MAXLEN', '~', HISTORY_LENGTH, '*',
    'step', step, 'batchId', batch_id, 'conversationId', conversation, ...)
end
