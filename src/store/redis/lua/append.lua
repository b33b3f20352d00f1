#!lua
--[[
Appends messages to conversations: opens a batch or adds to the open one, seals it when it reaches a cap, and sets
when the conversation is due. Supersedes the batch that holds the conversation if that is not committed, nothing waits
behind it and all of its messages fit into one batch with the new ones. An open batch that is overdue takes no more
messages: a failover may have lost its claim, and a message that joins what was handed over would be dropped with it, as
the queue knows the batch's id. One call serves many requests, because a call costs more than the work for one message.
A request that meets a key of a foreign type changes nothing; the others are not affected. Has no `allow-oom`: with
memory full Redis refuses it before it starts.

KEYS  1 the prefix
ARGV  1 to 8 the store's rules (rules.lua)  9 header TTL  10 how long ids are remembered  11 max age or 0
      12 database number  13 id for the first batch that is opened (further ones get `<id>-2`, `<id>-3`, ...)
      14 how many sets of other rules follow, and these, as JSON (rules.lua)
      then for each request: conversation; 'direct' if each message is a sealed batch of its own, 'flush' if the last
      one seals its batch, 'hold' if some messages hold theirs, else ''; 0 for the store's rules, or the number of a
      set; number of messages
      and for each of these (at most 1,000): digest of its id, the message as JSON, its send time or ''; with 'hold',
      behind a space, how long it holds its batch and its id for that
Returns { subscribed processors, then for each request: accepted, or its error as text; duplicates; too old; batch id
      or ''; ms until it is due or -1; how many of those accepted came while the conversation was paused }
--]]
--- include "names"
--- include "now"
--- include "recorded-id"
--- include "hold"
--- include "schedule"
--- include "batch-updated"
--- include "record"
--- include "push"
--- include "seen"
--- include "check-types"
--- include "error-text"
--- include "rules"
local FIRST_SET, ARGS_BEFORE_MESSAGES, ARGS_PER_MESSAGE = 7 + STORE_RULES, 4, 3
-- A batch that collects during a pause has no caps but these.
local MOST_COLLECTED, MOST_BYTES_COLLECTED = 10000, 16777216
local FORGET_EVERY = 100
-- Longer than any claim takes in health, and far shorter than a failover.
local OVERDUE_MS = 1000

local store_rules = store_rules_at(1)
local store_ttl, dedupe, max_age = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local db, new_id = ARGV[12], ARGV[13]

-- The rules of the current request, and their JSON for the header or ''.
local rules, gap, max_wait, ttl, max_messages, max_bytes, early, may_supersede, rules_text

local function use_rules(text)
  if text == rules_text then return end
  rules = rules_of(text, store_rules)
  gap, max_wait, max_messages, max_bytes = rules.quietGapMs, rules.maxWaitMs, rules.maxMessages, rules.maxBytes
  may_supersede, early = rules.answering == 'supersede', early_of(rules)
  ttl, rules_text = ttl_of(rules, store_ttl), text
end

local now = read_clock()
local now_text = whole(now)
local first_before = first_due()
local subscribers = call('PUBSUB', NUMSUB, P .. NEXT_DUE, P .. BATCH_UPDATED)
local is_watched = subscribers[4] > 0 or call('PUBSUB', 'NUMPAT') > 0

-- The plan of the current request: what its new messages change in their conversation. All requests share one table,
-- and `plan_of` sets every field: a new table for each made grouped appends up to 10 % slower.
--   key        of the header
--   header     what was read of it: { batchId, count, bytes, firstAtMs, dueBy, supersedes, rules, notBeforeMs,
--              dueAtMs, waitsFromMs }
--   state      of the conversation (state.lua), or nil
--   held_until when the hold of the conversation ends, or nil
--   before     the batch that was open before, or nil
--   batch      the batch that is open afterwards, or nil; the same table as `before` if it is the same batch
--   entries    of the messages, for the list
--   steps      for the history, or nil
--   opened     how many batches are opened
--   sealed     how many batches are sealed
--   resealed   `before` if it is sealed without a new message, else nil or false; `reason` says why, `sealed_at` when
local the_plan = {}

local ids_used = 0

-- What only some requests need is created for the first of them, because a call pays for each function that it creates:
-- see `sealing`, `stateful` and `superseding`.

local function add_step(plan, step)
  plan.steps = plan.steps or {}
  plan.steps[#plan.steps + 1] = step
end

local function open_batch(plan, json)
  ids_used = ids_used + 1
  local id = ids_used == 1 and new_id or new_id .. '-' .. whole(ids_used)
  -- The history names the first message of those that open a batch; the step `claimed` names all.
  local step = { 'opened', id, 'ids', '[' .. recorded_id(json, 1) .. ']', 'count', '' }
  add_step(plan, step)
  plan.opened = plan.opened + 1
  return { id = id, count = 0, bytes = 0, first_at = now, step = step }
end

local seals

-- For a request that seals batches.
local function sealing()
  if seals then return seals end
  --- include "entry"
  --- include "reasons"

  -- `text`: the rules of the batch.
  local function seal(plan, batch, reason, text)
    if batch.step then batch.step[6] = whole(batch.count) end
    add_step(plan, { 'sealed', batch.id, 'reason', reason, 'count', whole(batch.count),
      rule_fields(text, reason, store_rules) })
    plan.sealed = plan.sealed + 1
  end

  -- Writes the seal of a batch that is sealed without a new message into its last entry.
  local function write_seal(key, plan)
    local id, received_at, _, json = read_entry(call('LINDEX', key, '-1') or '')
    if not json then return end
    local word = sealed_word(received_at, plan.reason, plan.sealed_at, plan.resealed.supersedes)
    call('LSET', key, '-1', id .. ' ' .. word .. ' ' .. json)
  end

  seals = { released_by = released_by, seal = seal, word = sealed_word, write = write_seal }
  return seals
end

-- The open batch that a header describes, or nil.
local function batch_of(header)
  local count, bytes, first_at = tonumber(header[2]), tonumber(header[3]), tonumber(header[4])
  if not (header[1] and count and bytes and first_at) then return nil end
  return { id = header[1], count = count, bytes = bytes, first_at = first_at, supersedes = header[6] or nil }
end

-- The conversations whose hold this call has ended, and the states that it has written.
local freed, states = {}, {}

-- The messages whose ids are remembered and that are not stored yet, as positions in ARGV.
local unstored

local of_state

-- For a request whose conversation has a state, or gets one.
local function stateful()
  if of_state then return of_state end
  --- include "due"

  -- Adds the holds of new messages in the batch that is open now to the state of the conversation. Returns the state.
  local function hold_by(conversation, plan, messages)
    local held, batch_id, entries = plan.state or {}, plan.batch.id, plan.entries
    for n, i in ipairs(messages) do
      local for_ms, id = string.match(ARGV[i + 2], ' (%d+) (.*)$')
      if for_ms and string.match(entries[#entries - #messages + n], '^%S+') == batch_id then
        add_hold(held, id, now + tonumber(for_ms), batch_id)
        add_step(plan, { 'held', batch_id, 'key', id, 'forMs', for_ms })
        states[conversation] = held
      end
    end
    if states[conversation] ~= held then return plan.state end
    write_state(conversation, held, now)
    return held
  end

  -- A paused conversation discards messages, or is full of them. Returns as `append` does.
  local function discard(conversation, messages, duplicates, too_old)
    local ids = {}
    for n = 1, math.min(#messages, IDS_RECORDED) do ids[n] = recorded_id(ARGV[messages[n] + 1], 1) end
    ids_used = ids_used + 1
    record('paused', new_id .. (ids_used == 1 and '' or '-' .. whole(ids_used)), conversation,
      'count', #messages, 'ids', '[' .. table.concat(ids, ',') .. ']')
    unstored = nil
    return #messages, duplicates, too_old, '', -1, #messages
  end

  -- True if a paused conversation does not collect these messages.
  local function is_discarded(state, header, messages)
    return state.keep ~= 'collect' or tonumber(header[2] or 0) + #messages > MOST_COLLECTED
      or tonumber(header[3] or 0) >= MOST_BYTES_COLLECTED
  end

  of_state = { read = state_of, paused_until = paused_until, due_of = due_of, move_holds = move_holds,
    hold_by = hold_by, is_discarded = is_discarded, discard = discard, write = write_state }
  return of_state
end

local supersedes

-- For a request that may supersede the batch that holds its conversation.
local function superseding()
  if supersedes then return supersedes end
  --- include "supersede"

  -- The batch that new messages may supersede, or nil. Only reads.
  local function superseded_by(conversation, header, holder, how)
    if how == 'direct' or header[1] then return nil end
    local old = supersedable(holder)
    if not old or call('LLEN', P .. MESSAGES .. conversation) > 0 then return nil end
    check_types(CLAIMED, ANSWERING)
    return old
  end

  -- The same batch with its messages, if the new ones fit into one batch with them. Only reads.
  local function joined_by(old, messages)
    if old.count + #messages > max_messages or not with_lines(old) then return nil end
    local bytes = old.bytes
    for _, i in ipairs(messages) do bytes = bytes + #ARGV[i + 1] end
    return bytes <= max_bytes and old or nil
  end

  -- Opens a batch with the messages of a superseded one.
  local function open_again(plan, old)
    local batch = open_batch(plan, string.match(old.lines[1], '^%d+ (.*)$'))
    batch.count, batch.bytes, batch.first_at = old.count, old.bytes, old.first_at
    batch.supersedes = old.superseded
    batch.step[7], batch.step[8] = 'supersedes', old.superseded
    for i, line in ipairs(old.lines) do plan.entries[i] = batch.id .. ' ' .. line end
    old.by = batch.id
    return batch
  end

  supersedes = { superseded_by = superseded_by, joined_by = joined_by, open_again = open_again,
    finish = end_superseded, record = record_superseded }
  return supersedes
end

-- Reads nothing and writes nothing.
local function plan_of(key, header, held_until, messages, how, old, state, paused)
  local plan, batch, entries, direct = the_plan, batch_of(header), {}, how == 'direct'
  plan.state, plan.paused_until = state, paused
  plan.key, plan.header, plan.held_until, plan.before, plan.entries = key, header, held_until, batch, entries
  local due_at = tonumber(header[9] or nil)
  local is_overdue = batch and not held_until and due_at and due_at < now - OVERDUE_MS
  plan.steps, plan.opened, plan.sealed, plan.resealed = nil, 0, 0, (direct or is_overdue) and batch
  if plan.resealed then
    plan.reason = direct and 'direct' or sealing().released_by(header[5])
    plan.sealed_at = direct and now_text or whole(due_at)
    sealing().seal(plan, batch, plan.reason, header[7])
    batch = nil
  end
  if old then batch = superseding().open_again(plan, old) end
  local last = how == 'flush' and messages[#messages]
  for _, i in ipairs(messages) do
    local json = ARGV[i + 1]
    batch = batch or open_batch(plan, json)
    batch.count, batch.bytes = batch.count + 1, batch.bytes + #json
    local reason = direct and 'direct' or not paused and (batch.count >= max_messages and 'maxMessages'
      or batch.bytes >= max_bytes and 'maxBytes') or i == last and 'flush'
    local word = reason and sealing().word(now_text, reason, now_text, batch.supersedes) or now_text
    entries[#entries + 1] = batch.id .. ' ' .. word .. ' ' .. json
    if reason then
      sealing().seal(plan, batch, reason, rules_text)
      batch = nil
    end
  end
  if batch and batch.step then batch.step[6] = whole(batch.count) end
  plan.batch = batch
  return plan
end

-- What is due later than now and what is due now, as ZADD takes it: all requests of a call go into the due set
-- together.
local later, at_once = {}, {}
-- The request that is due first.
local next_at, next_conversation, next_batch

-- Appends the messages. Returns how many messages waited before.
local function write_messages(conversation, plan)
  local key = P .. MESSAGES .. conversation
  if plan.resealed then sealing().write(key, plan) end
  return push('RPUSH', key, plan.entries) - #plan.entries
end

-- Sets when a conversation that is not held is due: `at`.
local function write_due(conversation, plan, at, batch_id)
  local list = at - 1 > now and later or at_once
  list[#list + 1] = due_score(at, now, max_wait)
  list[#list + 1] = conversation
  if not next_at or at < next_at then next_at, next_conversation, next_batch = at, conversation, batch_id end
  -- Moving a shadow key costs half of setting it.
  local is_moved = plan.batch and plan.batch == plan.before and at - 1 > now
    and call('PEXPIREAT', P .. QUIET .. conversation, whole(at - 1)) == 1
  if not is_moved then set_shadow(conversation, at, now) end
end

local NONE = {}

-- `due_by`: 'gap', 'typingGap' or 'maxWait'. `not_before`: what holds the batch back until then, or nil.
local function write_header(plan, waiting, due, due_by, not_before, waits_from)
  local key, batch, header = plan.key, plan.batch, plan.header
  if not batch then
    if header[1] then call('DEL', key) end
    return
  end
  if batch == plan.before then
    -- Another program has deleted the messages that the header counts.
    if waiting == 0 then batch.count, batch.bytes = batch.count - header[2], batch.bytes - header[3] end
    call('HSET', key, 'count', whole(batch.count), 'bytes', whole(batch.bytes),
      'lastAtMs', now_text, 'dueAtMs', whole(due))
  else
    call('HSET', key, 'batchId', batch.id, 'count', whole(batch.count), 'bytes', whole(batch.bytes),
      'firstAtMs', whole(batch.first_at), 'lastAtMs', now_text, 'dueAtMs', whole(due),
      unpack(batch.supersedes and { 'supersedes', batch.supersedes } or NONE))
    if header[6] and not batch.supersedes then call('HDEL', key, 'supersedes') end
  end
  if rules_text ~= (header[7] or '') then
    if rules_text == '' then call('HDEL', key, 'rules') else call('HSET', key, 'rules', rules_text) end
  end
  if not_before then
    call('HSET', key, 'notBeforeMs', whole(not_before))
  elseif header[8] then
    call('HDEL', key, 'notBeforeMs')
  end
  if waits_from then
    call('HSET', key, 'waitsFromMs', whole(waits_from))
  elseif header[10] then
    call('HDEL', key, 'waitsFromMs')
  end
  if due_by ~= (header[5] or 'gap') then call('HSET', key, 'dueBy', due_by) end
  -- The header outlives the hold. Renewing the hold also renews the header.
  local until_at = plan.held_until and math.max(now, plan.held_until) or now
  call('PEXPIREAT', key, whole(math.max(until_at, not_before or 0) + ttl))
end

-- Forgets old ids and renews the TTL of their key, but not for each message: when a batch opens, when one waits
-- beyond its max wait, and every FORGET_EVERY messages. (If another program deletes the key meanwhile, it has no TTL
-- until then.)
local function forget_old_ids(conversation, plan, waiting)
  local before, added = plan.before, #plan.entries
  local is_overdue = before and now >= before.first_at + max_wait
  if plan.opened > 0 or is_overdue or waiting % FORGET_EVERY + added >= FORGET_EVERY then
    forget_seen(conversation, now - dedupe, FORGET_EVERY + added, now + dedupe + max_wait)
  end
end

-- Writes the rest of a plan whose messages are stored. If one of these commands fails, a claim finds the messages all
-- the same. Returns the id of the last message's batch, and the ms until it is due.
local function write_rest(conversation, plan, waiting)
  local batch, before, held_until = plan.batch, plan.before, plan.held_until
  local batch_id = batch and batch.id or string.match(plan.entries[#plan.entries], '^%S+')
  local due, due_by, not_before = now, 'gap', nil
  -- When a pause ends from which its max wait counts, or nil if that counts from its first message.
  local waits_from = plan.paused_until or batch == before and tonumber(plan.header[10] or nil) or nil
  local first_at = waits_from or batch and batch.first_at
  if batch and plan.state then
    due, due_by, not_before = stateful().due_of(rules, plan.state, batch.id, first_at, now, now)
  elseif batch then
    due = math.min(now + gap, first_at + max_wait)
    due_by = due < now + gap and 'maxWait' or 'gap'
  end
  local is_head = waiting == 0 or (before and before.count - #plan.entries == waiting)
  local start = math.max(early > 0 and math.min(due, now + early) or due, not_before or 0)
  local at = (batch and is_head and plan.sealed == 0) and start or now
  if not held_until then write_due(conversation, plan, at, batch_id) end
  write_header(plan, waiting, due, due_by, not_before, waits_from)
  forget_old_ids(conversation, plan, waiting)
  if plan.steps then
    for _, step in ipairs(plan.steps) do record(step[1], step[2], conversation, unpack(step, 3)) end
  end
  local due_in = math.max(due - now, 0)
  if is_watched then
    notify_updated(conversation, batch_id, {
      count = batch and batch.count or waiting + #plan.entries,
      due_in = (held_until or at == start) and due_in or math.max(at - now, 0), held = held_until and true,
      added = batch and batch == before and #plan.entries, at = now,
    }, db)
  end
  return batch_id, due_in
end

-- For a request without new messages. Returns as `append` does.
local function nothing_new(key, header, duplicates, too_old)
  local batch = batch_of(header)
  if not batch then return 0, duplicates, too_old, '', -1, 0 end
  return 0, duplicates, too_old, batch.id, math.max((call('HGET', key, 'dueAtMs') or now) - now, 0), 0
end

-- Remembers the id of a message, in one command in the usual case. Returns false if it is remembered already.
local function remember(seen_key, digest)
  if call('ZADD', seen_key, 'NX', now_text, digest) == 1 then return true end
  if is_after(call('ZSCORE', seen_key, digest), now - dedupe) then return false end
  call('ZADD', seen_key, now_text, digest)
  return true
end

-- When a message was sent. With 'hold' there is more in its argument.
local function sent_time(text)
  return tonumber(string.match(text, '^%d*')) or math.huge
end

-- Finds the new messages of a request (in ARGV from `first` to `last`) and remembers their ids. Returns their
-- positions in ARGV, and how many of the others are duplicates and too old.
local function accept(seen_key, first, last)
  local messages, duplicates, too_old = {}, 0, 0
  unstored = messages
  for i = first, last, ARGS_PER_MESSAGE do
    local digest, sent_at = ARGV[i], ARGV[i + 2]
    if max_age > 0 and sent_at ~= '' and sent_time(sent_at) < now - max_age then
      local is_duplicate = is_after(call('ZSCORE', seen_key, digest), now - dedupe)
      if is_duplicate then duplicates = duplicates + 1 else too_old = too_old + 1 end
    elseif remember(seen_key, digest) then
      messages[#messages + 1] = i
    else
      duplicates = duplicates + 1
    end
  end
  return messages, duplicates, too_old
end

-- `state_text`: the state of the conversation when the call began, or false. Returns the reply to the request.
local function append(conversation, holder, state_text, how, first, last)
  local key, seen_key = P .. HEADER .. conversation, P .. SEEN .. conversation
  local header = call('HMGET', key, 'batchId', 'count', 'bytes', 'firstAtMs', 'dueBy', 'supersedes', 'rules',
    'notBeforeMs', 'dueAtMs', 'waitsFromMs')
  local held_until, is_hold_stale = hold_until(holder)
  local state, paused = states[conversation] or state_text and stateful().read(state_text) or nil, nil
  if state then
    -- A message ends the typing.
    state.typing = nil
    paused = stateful().paused_until(state, now)
  end
  if paused then how = '' end
  local old = may_supersede and not paused and held_until
    and superseding().superseded_by(conversation, header, holder, how) or nil
  local messages, duplicates, too_old = accept(seen_key, first, last)
  if #messages == 0 then return nothing_new(key, header, duplicates, too_old) end
  if paused and stateful().is_discarded(state, header, messages) then
    return stateful().discard(conversation, messages, duplicates, too_old)
  end
  -- Read only now: a duplicate does not read the messages of the batch.
  if old then old = superseding().joined_by(old, messages) end
  if old then held_until = nil end
  local plan = plan_of(key, header, held_until, messages, how, old, state, paused)
  if plan.steps or how == 'hold' then check_types(HISTORY) end
  if is_hold_stale then call('DEL', P .. HOLD .. conversation) end
  local waiting = write_messages(conversation, plan)
  unstored = nil
  if old and state and stateful().move_holds(state, old.id, old.by) then
    states[conversation] = state
    stateful().write(conversation, state, now)
  end
  if how == 'hold' and plan.batch then plan.state = stateful().hold_by(conversation, plan, messages) end
  if old then
    superseding().finish(conversation, old, old.by)
    freed[conversation] = true
  end
  local batch_id, due_in = write_rest(conversation, plan, waiting)
  if old then superseding().record(conversation, old, old.by, db) end
  return #messages, duplicates, too_old, batch_id, due_in, paused and #messages or 0
end

local set_count = tonumber(ARGV[FIRST_SET - 1])
-- For each request the keys of the hold and of the state: what they hold is read in one command.
local requests, keys = {}, {}
local next_arg = FIRST_SET + set_count
while next_arg <= #ARGV do
  requests[#requests + 1] = next_arg
  keys[#keys + 1] = P .. HOLD .. ARGV[next_arg]
  keys[#keys + 1] = P .. STATE .. ARGV[next_arg]
  next_arg = next_arg + ARGS_BEFORE_MESSAGES + ARGV[next_arg + 3] * ARGS_PER_MESSAGE
end
requests[#requests + 1] = next_arg
local known = call('MGET', unpack(keys))

-- One list for all requests: Redis looks into each table of a reply for seven kinds of reply. A processor subscribes to
-- this channel by its name; who only watches subscribes by a pattern, and is not counted.
local replies = { subscribers[2] }

-- Returns false if the request failed.
local function reply(ok, accepted, duplicates, too_old, batch_id, due_in, paused)
  local at = #replies
  if ok then
    replies[at + 1], replies[at + 2], replies[at + 3] = accepted, duplicates, too_old
    replies[at + 4], replies[at + 5], replies[at + 6] = batch_id, due_in, paused
  else
    replies[at + 1], replies[at + 2], replies[at + 3] = error_text(accepted), 0, 0
    replies[at + 4], replies[at + 5], replies[at + 6] = '', -1, 0
  end
  return ok
end

for n = 1, #requests - 1 do
  local conversation, how, set = unpack(ARGV, requests[n], requests[n] + 2)
  local first, last = requests[n] + ARGS_BEFORE_MESSAGES, requests[n + 1] - 1
  unstored = nil
  use_rules(set == '0' and '' or ARGV[FIRST_SET - 1 + set])
  local holder = not freed[conversation] and known[2 * n - 1]
  local ok = reply(pcall(append, conversation, holder, known[2 * n], how, first, last))
  if not ok and unstored then -- A message that is not stored is new when it comes again.
    for _, i in ipairs(unstored) do redis.pcall('ZREM', P .. SEEN .. conversation, ARGV[i]) end
  end
end

push('ZADD', P .. DUE, later)
if #at_once > 0 then call('ZADD', P .. DUE, 'LT', unpack(at_once)) end
if next_at then publish_next_due(first_before, next_at, now, next_conversation, next_batch, db) end
return replies
