--- include "whole"
-- What is known of a conversation beside its messages and its hold: one JSON object, absent if there is nothing.
--
--   pausedUntil  a person has taken over until then, and `keep`: 'collect' or 'drop', what becomes of new messages
--   causes       own messages that paused it: until when, by the digest of the id; and `otherwise`: until when it would
--                be paused without them, absent if it would not. pausedUntil is the latest of all
--   typedAt      when the last sign of typing came, and `typing`: how many ms it is worth, absent if it said that the
--                typing has ended. Only if the conversation has a `typingGapMs`
--   holds        by key { at = when it ends, batch = the only batch that it holds back, or absent }
local TYPING_SEEN_MS = 86400000

-- `text`: the value of the key, or false.
local function state_of(text)
  return text and cjson.decode(text) or nil
end

-- The end of the pause, or nil.
local function paused_until(state, now)
  return state and state.pausedUntil and state.pausedUntil > now and state.pausedUntil or nil
end

-- True if a sign of typing was seen within a day.
local function is_typing_seen(state, now)
  return state and state.typedAt and state.typedAt + TYPING_SEEN_MS > now
end

local function add_hold(state, key, at, batch_id)
  state.holds = state.holds or {}
  state.holds[key] = { at = at, batch = batch_id }
end

-- What held back the batch `from` alone holds back the batch `to`, which has its messages now. Returns whether there
-- was anything.
local function move_holds(state, from, to)
  local has_moved = false
  for _, hold in pairs(state and state.holds or {}) do
    if hold.batch == from then hold.batch, has_moved = to, true end
  end
  return has_moved
end

-- What of a state has not ended yet, and when the last of it ends: 0 if nothing is left.
local function current_of(state, now)
  local kept, ends_at = {}, 0
  local function keep(at) ends_at = math.max(ends_at, at) end
  if paused_until(state, now) then
    kept.pausedUntil, kept.keep = state.pausedUntil, state.keep
    kept.causes, kept.otherwise = state.causes, state.otherwise
    keep(state.pausedUntil)
  end
  if is_typing_seen(state, now) then
    kept.typedAt, kept.typing = state.typedAt, state.typing
    keep(state.typedAt + TYPING_SEEN_MS)
  end
  for key, hold in pairs(state.holds or {}) do
    if hold.at > now then
      kept.holds = kept.holds or {}
      kept.holds[key] = hold
      keep(hold.at)
    end
  end
  return kept, ends_at
end

local function write_state(conversation, state, now)
  local kept, ends_at = current_of(state, now)
  local name = P .. STATE .. conversation
  if ends_at == 0 then call('DEL', name) else call('SET', name, cjson.encode(kept), 'PXAT', whole(ends_at)) end
end
