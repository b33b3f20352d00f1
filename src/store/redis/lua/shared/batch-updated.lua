--- include "whole"
--- include "publish"
-- Publishes that a batch has changed or may be claimed at another time. Skipped when there are no subscribers.
-- `update`: { count, due_in (ms), held: true while another batch holds the conversation, added: how many messages an
-- append added to a batch that was open before, at: when it did }
local function notify_updated(conversation, batch_id, update, db)
  if not has_subscribers(BATCH_UPDATED) then return end
  publish(BATCH_UPDATED, conversation, batch_id,
    ',"count":', whole(update.count), ',"dueInMs":', whole(update.due_in), update.held and ',"held":true' or '',
    ',"db":', db,
    update.added and ',"added":' .. whole(update.added) .. ',"atMs":' .. whole(update.at) or '')
end
