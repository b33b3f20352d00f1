--- include "seen"
-- Own messages of persons: each does something once, however often its webhook comes.
local NOTED_FORGETS = 8

-- Returns 'bot' if the bot sent it, 'again' if it was noted before, or 'new'.
local function own_state(conversation, digest, since)
  local times = call('ZMSCORE', P .. SEEN .. conversation, SENT .. digest, OWN .. digest)
  return is_after(times[1], since) and 'bot' or is_after(times[2], since) and 'again' or 'new'
end

local function note_own(conversation, digest, now, dedupe)
  call('ZADD', P .. SEEN .. conversation, now, OWN .. digest)
  forget_seen(conversation, now - dedupe, NOTED_FORGETS, now + dedupe)
end
