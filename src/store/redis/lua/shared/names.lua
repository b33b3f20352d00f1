-- Generated from keys.ts by scripts/embed-lua.mjs. A name in Redis is the prefix, one of these and, for some, an id.
local P = KEYS[1]
-- A script that looks it up once takes some 3 % less time.
local call = redis.call

-- hash: the open batch (`batchId count bytes firstAtMs lastAtMs dueAtMs`)
local HEADER = ':'
-- list: its messages, in runs by batch
local MESSAGES = '.messages:'
-- string: the shadow key, always `0`, expires when the batch is due
local QUIET = '.quiet:'
-- zset: digests of the message ids seen, by time; with `>` or `<` in front, of own messages (lua/shared/seen.lua)
local SEEN = '.seen:'
-- string: the batch that holds the conversation
local HOLD = '.answering:'
-- string: a pause, holds and signs of typing, as JSON (lua/shared/state.lua); absent if there are none
local STATE = '.state:'
-- hash: by provider, the conversation that this id belongs to
local ALIAS = '.alias:'
-- set: the other ids of this conversation's person
local ALIASES = '.aliases:'
-- hash: a claimed batch until it is acknowledged
local CLAIMED_BATCH = '.claimed:'
-- hash: a handed-over batch until it is answered
local HANDED_OVER = '.handed-over:'
-- string: what ended a batch, `answered` or `superseded <by>`, for a while; only with `answering: 'supersede'`
local ENDED = '.ended:'
-- string: what `take-in` took in of a move from another partition: messages, batch. TTL: 90 days
local MOVED = '.moved:'
-- string: expires to measure how late Redis announces that
local CANARY = '.canary:'
-- string: a session of the page, by a digest of its id; its generation. TTL: until it ends without use
local SESSION = '.session:'
-- zset: every conversation with messages that is not held, by the time it may go
local DUE = '.due'
-- zset: claimed batches by the end of their lease
local CLAIMED = '.claimed'
-- zset: batches being answered, by their next check
local ANSWERING = '.answering'
-- stream: one entry a step of a batch's life
local HISTORY = '.history'
-- hash: dead batches
local DEAD = '.dead'
-- hash: what each process says of itself, for `lull doctor`
local PROCESSES = '.processes'
-- zset: the processors that run, by the time until which they count as running; only if there are partitions
local PROCESSORS = '.processors'
-- channel: processors subscribe to it, as they divide the partitions among themselves
local PROCESSORS_CHANGED = '.processors-changed'
-- hash: the provider that each account belongs to
local ACCOUNTS = '.accounts'
-- string: the sessions' current generation, a number; those of earlier ones have ended
local SESSIONS = '.sessions'
-- a name that a check of the server uses for a moment (lua/probe.lua), and a channel
local PROBE = '.probe'
-- hash: how many partitions there are, and since when; only if there are several (partitioned/layout.ts)
local LAYOUT = '.layout'
-- zset: paused conversations, by the end of the pause
local PAUSED = '.paused'
-- hash: stored rules as JSON, by scope: `*`, an account or a conversation
local SETTINGS = '.settings'
-- string: how often they have changed
local SETTINGS_VERSION = '.settings-version'
-- channel: every process that goes by them subscribes to it
local SETTINGS_CHANGED = '.settings-changed'
-- channel: processors subscribe to it; the other channels are for people and their programs
local NEXT_DUE = '.next-due'
local BATCH_UPDATED = '.batch-updated'
local BATCH_RELEASED = '.batch-released'
local BATCH_HANDED_OVER = '.batch-handed-over'
local BATCH_ANSWERED = '.batch-answered'
local BATCH_DEAD = '.batch-dead'
-- channel: with `answering: 'supersede'`, processes that work on batches subscribe to these two
local BATCH_SUPERSEDED = '.batch-superseded'
local BATCH_MOVED = '.batch-moved'
-- channel: the processes that resolve ids subscribe to it
local ALIAS_LEARNT = '.alias-learnt'
