-- What `merge` and `take-in` have in common: two conversations of one person become one. A script that includes this
-- has included what it needs, and has the locals from_id, into_id, store_ttl, db, store_rules and now.

-- Takes Redis some 10 ms.
local MOST_MESSAGES = 5000

-- The runs of a list, each { id, at: arrival of its first message, entries }.
local function runs_of(list)
  local runs = {}
  for _, entry in ipairs(list) do
    local id, received_at = string.match(entry, ENTRY)
    local last = runs[#runs]
    if not last or last.id ~= id then
      last = { id = id, at = tonumber(received_at), entries = {} }
      runs[#runs + 1] = last
    end
    last.entries[#last.entries + 1] = entry
  end
  return runs
end

-- Reads a conversation: its runs without the open one, its open batch or nil, and what holds it.
local function read(conversation)
  local header = call('HMGET', P .. HEADER .. conversation, 'batchId', 'firstAtMs', 'lastAtMs', 'dueAtMs', 'dueBy',
    'supersedes', 'rules', 'notBeforeMs', 'waitsFromMs')
  local list = call('LRANGE', P .. MESSAGES .. conversation, 0, -1)
  local runs = runs_of(list)
  local holder = call('GET', P .. HOLD .. conversation)
  local due = call('ZSCORE', P .. DUE, conversation)
  local state = { waiting = #list, runs = runs, last_id = runs[#runs] and runs[#runs].id, holder = holder,
    held_until = hold_until(holder), due = due and math.ceil(due),
    seen = call('ZCARD', P .. SEEN .. conversation) }
  if header[1] and header[1] == state.last_id then
    local run = table.remove(runs)
    state.open = { id = run.id, entries = run.entries, first_at = tonumber(header[2]), last_at = tonumber(header[3]),
      due_at = tonumber(header[4]), due_by = header[5] or 'gap', supersedes = header[6] or nil,
      rules = header[7] or nil, not_before = tonumber(header[8] or nil), waits_from = tonumber(header[9] or nil),
      ends_at = call('PEXPIRETIME', P .. HEADER .. conversation) }
  end
  return state
end

-- Two lists as one, by the time of arrival; those of `a` first if they came in the same millisecond.
local function by_arrival(a, b, time_of)
  local all, next_a = {}, 1
  for _, item in ipairs(b) do
    while a[next_a] and time_of(a[next_a]) <= time_of(item) do
      all[#all + 1] = a[next_a]
      next_a = next_a + 1
    end
    all[#all + 1] = item
  end
  for i = next_a, #a do all[#all + 1] = a[i] end
  return all
end

local function arrival(entry)
  local _, received_at = string.match(entry, ENTRY)
  return tonumber(received_at)
end

local function cap_of(rules, count, bytes)
  return count >= rules.maxMessages and 'maxMessages' or bytes >= rules.maxBytes and 'maxBytes' or nil
end

-- Joins two open batches under the id and the rules of `a`. A batch that reaches a cap is sealed, and the rest stays
-- open under the id of `b`; during a pause there are no caps. Returns the sealed runs, and what stays open or nil.
local function join(a, b, paused)
  local sealed, id, entries, count, bytes, first_at = {}, a.id, {}, 0, 0, math.min(a.first_at, b.first_at)
  -- The first batch names all that both supersede.
  local supersedes = join_superseded(a.supersedes, b.supersedes)
  local all, rules = by_arrival(a.entries, b.entries, arrival), rules_of(a.rules, store_rules)
  for i, entry in ipairs(all) do
    local _, received_at, _, json = read_entry(entry)
    count, bytes = count + 1, bytes + #json
    first_at = first_at or tonumber(received_at)
    local reason = not paused and (id == a.id or i == #all) and cap_of(rules, count, bytes)
    local word = reason and sealed_word(received_at, reason, now, supersedes) or received_at
    entries[count] = id .. ' ' .. word .. ' ' .. json
    if reason then
      supersedes = nil
      sealed[#sealed + 1] = { id = id, entries = entries, reason = reason }
      id, entries, count, bytes, first_at = b.id, {}, 0, 0, nil
    end
  end
  if count == 0 then return sealed, nil end
  local open = { id = id, entries = entries, count = count, bytes = bytes, first_at = first_at,
    last_at = math.max(a.last_at, b.last_at), ends_at = math.max(a.ends_at, b.ends_at), supersedes = supersedes,
    rules = a.rules, not_before = a.not_before or b.not_before }
  if a.waits_from or b.waits_from then open.waits_from = math.max(a.waits_from or 0, b.waits_from or 0) end
  if #sealed == 0 then
    local earlier = b.due_at < a.due_at and b or a
    open.due_at, open.due_by = earlier.due_at, earlier.due_by
  else
    open.due_at = math.min(math.max(a.due_at, b.due_at), first_at + rules.maxWaitMs)
    open.due_by = open.due_at == first_at + rules.maxWaitMs and 'maxWait' or 'gap'
  end
  return sealed, open
end

-- The batch that is open after the merge, or nil, and the runs in front of it.
local function plan_of(from, into, paused)
  local runs = by_arrival(into.runs, from.runs, function(run) return run.at end)
  if not (from.open and into.open) then return runs, from.open or into.open, {} end
  local sealed, open = join(into.open, from.open, paused)
  for _, run in ipairs(sealed) do runs[#runs + 1] = run end
  return runs, open, sealed
end

local function write_list(runs, open)
  local entries = {}
  for _, run in ipairs(runs) do
    for _, entry in ipairs(run.entries) do entries[#entries + 1] = entry end
  end
  for _, entry in ipairs(open and open.entries or {}) do entries[#entries + 1] = entry end
  call('DEL', P .. MESSAGES .. into_id)
  push('RPUSH', P .. MESSAGES .. into_id, entries)
end

local function write_header(open, held_until)
  local key = P .. HEADER .. into_id
  call('DEL', key)
  if not open then return end
  local bytes = 0
  for _, entry in ipairs(open.entries) do
    local _, _, _, json = read_entry(entry)
    bytes = bytes + #json
  end
  call('HSET', key, 'batchId', open.id, 'count', #open.entries, 'bytes', bytes,
    'firstAtMs', open.first_at, 'lastAtMs', open.last_at, 'dueAtMs', open.due_at)
  if open.due_by ~= 'gap' then call('HSET', key, 'dueBy', open.due_by) end
  if open.rules then call('HSET', key, 'rules', open.rules) end
  if open.not_before then call('HSET', key, 'notBeforeMs', open.not_before) end
  if open.waits_from then call('HSET', key, 'waitsFromMs', open.waits_from) end
  if open.supersedes then call('HSET', key, 'supersedes', open.supersedes) end
  local ends_at = math.max(open.ends_at, held_until and held_until + store_ttl or 0)
  if ends_at > 0 then call('PEXPIREAT', key, ends_at) end
end

-- What of a state has not ended yet, or nil.
local function current_state(text)
  local kept, ends_at = current_of(state_of(text) or {}, now)
  return ends_at > 0 and kept or nil
end

-- What is known of each, as `current_state` returns it: set by the script.
local from_state, into_state

-- A pause, holds and signs of typing of `from` are also of `into`; of two pauses, or two holds by one key, the one that
-- ends later.
local function unite_states()
  if not from_state then return end
  into_state = into_state or {}
  local into, paused = into_state, from_state.pausedUntil
  if paused and paused > (into.pausedUntil or 0) then
    into.pausedUntil, into.keep = paused, from_state.keep
    into.causes, into.otherwise = from_state.causes, from_state.otherwise
    call('ZADD', P .. PAUSED, paused, into_id)
  end
  if paused then call('ZREM', P .. PAUSED, from_id) end
  if (from_state.typedAt or 0) > (into.typedAt or 0) then
    into.typedAt, into.typing = from_state.typedAt, from_state.typing
  end
  for key, hold in pairs(from_state.holds or {}) do
    local own = into.holds and into.holds[key]
    if not own or hold.at > own.at then add_hold(into, key, hold.at, hold.batch) end
  end
  call('DEL', P .. STATE .. from_id)
  write_state(into_id, into, now)
end

-- The id of a message as JSON.
local function id_of(json)
  local id = string.match(json, '^%[("[^"\\]*")')
  if id then return id end
  local unescaped = string.gsub(json, '\\.', '__')
  return string.sub(json, 2, (string.find(unescaped, '"', 3, true)))
end

-- What held back one of the two open batches holds back the batch that has its message now, unless that is sealed.
-- Then sets when the open batch is due: what holds it back now may have been unknown to it before.
local function hold_back(open, from_open, into_open)
  if not open then return end
  local holds = into_state and into_state.holds
  if holds and from_open and into_open then
    local ids = {}
    for _, entry in ipairs(open.entries) do
      local _, _, _, json = read_entry(entry)
      ids[id_of(json)] = true
    end
    for key, hold in pairs(holds) do
      local is_joined = hold.batch == from_open.id or hold.batch == into_open.id
      if is_joined and ids[key] then hold.batch = open.id elseif is_joined then holds[key] = nil end
    end
    write_state(into_id, into_state, now)
  end
  local rules, was_held = rules_of(open.rules, store_rules), open.not_before
  local paused = paused_until(into_state, now)
  if paused then open.waits_from = paused end
  local due, by, not_before = due_of(rules, into_state, open.id, open.waits_from or open.first_at, open.last_at, now)
  if not (not_before or was_held) then return end
  open.not_before = not_before
  if was_held or due > open.due_at then open.due_at, open.due_by = math.max(due, now), by end
  open.ends_at = math.max(open.ends_at, open.due_at + ttl_of(rules, store_ttl))
end

-- Writes `into` as it is after the merge, when what `from` had is out of its keys. `from`, `into`: as `read` returns
-- them. `runs`, `open`: of `plan_of`. Returns the due time that is published.
local function write_merged(from, into, runs, open, held_until)
  if from.waiting > 0 then write_list(runs, open) end
  write_header(open, held_until)
  local head_id = runs[1] and runs[1].id or open and open.id
  local is_open_first = #runs == 0 and open
  local at = now
  if held_until then
    call('ZREM', P .. DUE, into_id)
    call('DEL', P .. QUIET .. into_id)
  elseif head_id then
    at = is_open_first and start_at(open, store_rules)
      or math.min(now, from.due or now, into.due or now)
    schedule(into_id, head_id, at, now, db, open and rules_of(open.rules, store_rules).maxWaitMs)
  end
  return (held_until or is_open_first) and open and open.due_at or at
end

-- Records and publishes what `into` has got. `batch_id`: its batch that is named for that.
local function announce_merged(from, into, batch_id, open, sealed, held_until, due_at)
  record('merged', batch_id, into_id, 'from', from_id, 'count', from.waiting)
  for _, run in ipairs(sealed) do
    record('sealed', run.id, into_id, 'reason', run.reason, 'count', #run.entries)
  end
  if from.waiting == 0 then return end
  notify_updated(into_id, batch_id, {
    count = open and #open.entries or from.waiting + into.waiting, due_in = math.max(due_at - now, 0),
    held = held_until and true }, db)
end

-- What is known of `from` alone holds for `into`, too: its open batch may be due at another time.
local function write_known_alone(into)
  local open = from_state and open_of(into_id)
  if open then set_due(into_id, open, into.waiting, into.held_until, into_state, store_rules, store_ttl, now, db) end
end
