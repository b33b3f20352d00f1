--- include "whole"
--- include "entry"
--- include "recorded-id"
--- include "rules"
--- include "reasons"
-- Reads the first batch of a conversation's list, for `claim`. Only reads.
local RUN_STEP = 100

-- The entries of the first batch, up to its seal or to the next batch, read `step` at a time. Nil if the list is empty.
-- Returns { batch_id, count, first_at, last_at, reason, due_at, committed and supersedes of its seal, lines of
-- `<receivedAtMs> <json>`, ids: as JSON for the history, times: ms since the first message, for the same messages }
local function read_run(conversation, step)
  local lines, ids, times, count = {}, {}, {}, 0
  local batch_id, first_at, last_at, reason, due_at, mark, supersedes
  local has_more
  repeat
    local entries = call('LRANGE', P .. MESSAGES .. conversation, whole(count), whole(count + step - 1))
    has_more = #entries == step
    for _, entry in ipairs(entries) do
      local id, received_at, seal, json_begins = string.match(entry, ENTRY)
      batch_id = batch_id or id
      if id ~= batch_id then
        has_more = false
        break
      end
      first_at, last_at, count = first_at or received_at, received_at, count + 1
      lines[count] = seal == '' and string.sub(entry, #id + 2) or received_at .. ' ' .. string.sub(entry, json_begins)
      if count <= IDS_RECORDED then
        ids[count] = recorded_id(entry, json_begins)
        times[count] = received_at == first_at and '0' or whole(received_at - first_at)
      end
      if seal ~= '' then
        reason, due_at, mark, supersedes = read_seal(seal)
        has_more = false
        break
      end
    end
  until not has_more
  return batch_id and { batch_id = batch_id, count = count, first_at = first_at, last_at = last_at, reason = reason,
    due_at = due_at, committed = mark == 'committed', supersedes = supersedes, lines = lines, ids = ids,
    times = times }
end

-- The first batch of a conversation that is due at `score`, or nil if the list is empty: its id, its rules if it is
-- open (else false), 'vanished' or 'expired' if its header is lost (else ''), what the history names and
-- 'typingGap' if that made it due, and its claimed hash as a table.
local function head_run(conversation, score, ttl, now, store_rules)
  local header = call('HMGET', P .. HEADER .. conversation,
    'batchId', 'firstAtMs', 'lastAtMs', 'dueAtMs', 'dueBy', 'count', 'supersedes', 'rules')
  -- Nothing waits behind the open batch. What waits behind another one may be large, so that is read entry by entry.
  local is_open_first = header[6] and call('LLEN', P .. MESSAGES .. conversation) == tonumber(header[6])
  local run = read_run(conversation, is_open_first and RUN_STEP or 1)
  if not run then return nil end
  local named = { '[' .. table.concat(run.ids, ',') .. ']', '[' .. table.concat(run.times, ',') .. ']', run.first_at }
  local open, lost = header[1] == run.batch_id and rules_of(header[8], store_rules), ''
  local first_at, last_at, due_at, reason = run.first_at, run.last_at, run.due_at, run.reason
  local supersedes = run.supersedes
  if open then
    first_at, last_at, due_at, reason = header[2], header[3], header[4], released_by(header[5])
    if header[5] == 'typingGap' then named[4] = header[5] end
    supersedes = header[7] or nil
    -- A last message ahead of now: Redis's clock was set back, and the batch is due.
    local is_early = early_of(open) > 0 and tonumber(due_at) > now and tonumber(last_at) <= now
    if is_early then named[4], reason = nil, 'early' end
  elseif not reason then
    reason, due_at = 'recovery', score
    lost = tonumber(last_at) + ttl > now and 'vanished' or 'expired'
  end
  return run.batch_id, open, lost, named, {
    conversationId = conversation, attempt = '1', lease = '1', count = whole(run.count),
    firstAtMs = first_at, lastAtMs = last_at, dueAtMs = due_at, releasedAtMs = whole(now),
    releasedBy = reason, messages = table.concat(run.lines, '\n'),
    supersedes = supersedes, rules = open and header[8] or nil, committedAtMs = run.committed and whole(now) or nil,
  }
end
