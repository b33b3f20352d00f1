--- include "whole"
-- The shadow key of a conversation expires one millisecond before the conversation is due, because Redis keeps a key
-- alive for the whole millisecond in which it ends. Its value is never read; Redis shares one `0` between all keys.
--
-- Redis announces the end of a shadow key as `expired` only if the key has expired by the clock of the script. Up to
-- Redis 7.0 that clock stops when the script begins, while `TIME` moves on. So a script may find a
-- shadow key that has ended by `TIME` and that Redis still holds alive. Deleting it then would announce `del`, so it
-- stays: the next script finds it expired.

-- When the shadow key ends; -1 if it has no TTL, -2 if it does not exist. Makes Redis announce a key that has expired.
local function shadow_end(conversation)
  return call('PEXPIRETIME', P .. QUIET .. conversation)
end

-- Sets the shadow key. A conversation that is due now needs none (for a TTL in the past Redis announces nothing): a
-- shadow key that has not ended yet is deleted.
local function set_shadow(conversation, at, now)
  if at - 1 > now then
    call('SET', P .. QUIET .. conversation, '0', 'PXAT', whole(at - 1))
    return
  end
  local ends_at = shadow_end(conversation)
  if ends_at == -1 or ends_at > now then call('DEL', P .. QUIET .. conversation) end
end
