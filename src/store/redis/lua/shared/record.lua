-- Adds a step of a batch's life to the history, with the step's own fields. Never a message's text.
local HISTORY_LENGTH = 10000

local function record(step, batch_id, conversation, ...)
  call('XADD', P .. HISTORY, 'MAXLEN', '~', HISTORY_LENGTH, '*',
    'step', step, 'batchId', batch_id, 'conversationId', conversation, ...)
end
