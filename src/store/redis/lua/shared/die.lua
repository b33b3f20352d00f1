--- include "free"
--- include "record"
--- include "publish"
-- Turns a claimed batch into a dead one and frees its conversation. `batch`: its claimed hash as a table. `head`:
-- what `head_of` returned before the first write.
local function die(batch_id, batch, head, reason, now, db, store_rules)
  batch.error = reason
  batch.diedAtMs = now
  call('HSET', P .. DEAD, batch_id, cjson.encode(batch))
  call('DEL', P .. CLAIMED_BATCH .. batch_id)
  call('ZREM', P .. CLAIMED, batch_id)
  free(batch.conversationId, head, now, db, store_rules)
  record('dead', batch_id, batch.conversationId, 'attempt', batch.attempt, 'error', reason)
  notify(BATCH_DEAD, batch.conversationId, batch_id, ',"error":', cjson.encode(reason))
end

-- The fields of a hash as a table, or nil if there is no such hash.
local function hash_of(key)
  local flat = call('HGETALL', key)
  if #flat == 0 then return nil end
  local fields = {}
  for i = 1, #flat, 2 do fields[flat[i]] = flat[i + 1] end
  return fields
end
