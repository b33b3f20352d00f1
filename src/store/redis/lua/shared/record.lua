--- include "layout"
--- include "publish"
-- Adds a step of a batch's life to the history, with the step's own fields. Never a message's text.
local has_published_history = false

local function record(step, batch_id, conversation, ...)
  call('XADD', P .. HISTORY, 'MAXLEN', '~', HISTORY_LENGTH, '*',
    'step', step, 'batchId', batch_id, 'conversationId', conversation, ...)
  -- Who follows the history reads it then: once a call, as it reads all that the call adds.
  if PUBLISHES_HISTORY == 'true' and not has_published_history then
    has_published_history = true
    if has_subscribers(HISTORY) then call(PUBLISH, P .. HISTORY, '') end
  end
end
