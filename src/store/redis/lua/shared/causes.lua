--- include "state"
-- Own messages that paused a conversation: what each of them did can be undone alone.

-- More are not worth their bytes: a later one pauses for longer than those before it.
local MOST_CAUSES = 32

-- Adds one that pauses until `ends_at`, and never shortens a pause. The pause of others keeps its `keep`.
local function add_cause(state, digest, ends_at, keep, now)
  local paused = paused_until(state, now)
  if not paused then state.causes, state.otherwise = nil, nil end
  if paused and not state.causes then state.otherwise = paused end
  local causes, count, first = state.causes or {}, 0, nil
  for each, at in pairs(causes) do
    count = count + 1
    if not first or at < causes[first] or (at == causes[first] and each < first) then first = each end
  end
  if count >= MOST_CAUSES and not causes[digest] then causes[first] = nil end
  causes[digest] = ends_at
  state.causes = causes
  state.keep = paused and state.keep or keep
  state.pausedUntil = math.max(ends_at, paused or 0)
end

-- Removes some. Returns whether the pause ends earlier then, or ends now.
local function remove_causes(state, digests, now)
  local paused = paused_until(state, now)
  if not paused or not state.causes then return false end
  for _, digest in ipairs(digests) do state.causes[digest] = nil end
  local ends_at = state.otherwise or 0
  for _, at in pairs(state.causes) do ends_at = math.max(ends_at, at) end
  if not next(state.causes) then state.causes, state.otherwise = nil, nil end
  state.pausedUntil = ends_at > now and ends_at or nil
  return state.pausedUntil ~= paused
end
