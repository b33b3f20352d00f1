/** Steps, lives and pauses, as the history has them. */
import { z } from 'zod'
import type { Claimed, Life, LifeMessage, LifeState, Phase, PhaseName } from '../../../history/life.js'
import type { Pause } from '../../../history/pauses.js'
import type { LivesOfOne } from '../../../history/reading.js'
import type { ReleaseRule } from '../../../history/steps.js'
import { shapeOf } from '../../../shape-of.js'
import type { HistoryEntry, HistoryStep } from '../../../store/store.js'
import { atMs } from '../operation.js'

/** One that is missing, or is none, does not compile. */
const STEPS: Record<HistoryStep, true> = {
  opened: true,
  appended: true,
  extended: true,
  sealed: true,
  vanished: true,
  claimed: true,
  reclaimed: true,
  'given-back': true,
  nacked: true,
  'handed-over': true,
  superseded: true,
  committed: true,
  answered: true,
  dead: true,
  dropped: true,
  paused: true,
  pause: true,
  resumed: true,
  held: true,
  unheld: true,
  edited: true,
  revoked: true,
  merged: true,
  redriven: true,
  discarded: true,
}

export const step = shapeOf<HistoryEntry>()(
  z.object({
    id: z.string(),
    atMs: atMs('When it happened'),
    step: z.string().describe(`${Object.keys(STEPS).join(', ')}; or a step of a later version`),
    conversationId: z.string(),
    batchId: z.string(),
    detail: z.record(z.string(), z.string()).describe('Depends on the step: see src/history/steps.ts'),
  }),
).meta({ id: 'Step', description: "One step of a batch's life, without texts" })

export const history = z.object({ history: z.array(step).describe('Newest first') })

const states: readonly LifeState[] = [
  'open',
  'held',
  'waiting',
  'claimed',
  'answering',
  'committed',
  'answered',
  'dead',
  'dropped',
  'revoked',
  'merged',
  'superseded',
  'lost',
]
const phases: readonly PhaseName[] = [
  'collecting',
  'paused',
  'quietGap',
  'held',
  'waiting',
  'overdue',
  'handover',
  'answering',
  'committed',
  'dead',
]

const phase = shapeOf<Phase>()(
  z.object({
    name: z.enum(phases),
    fromMs: atMs('Its beginning'),
    toMs: atMs('Its end; of a phase that goes on, the time of this reading'),
    goesOn: z.literal(true).optional(),
  }),
)

const rule = shapeOf<ReleaseRule>()(
  z.object({
    name: z.string(),
    value: z.number(),
    scope: z.string().describe('Where it comes from: `*`, an account, a conversation, `hook` or `caller`'),
  }),
)

const claimed = shapeOf<Claimed>()(
  z.object({
    by: z.string().describe('The processor'),
    atMs: atMs('When'),
    reason: z.string().describe('Why the batch was released: `releasedBy`'),
    lateMs: z.number(),
    rule: rule.optional().describe("Which of the conversation's own rules that was"),
  }),
)

const message = shapeOf<LifeMessage>()(z.object({ messageId: z.string().optional(), atMs: atMs('Arrival') }))

const life = shapeOf<Life>()(
  z.object({
    batchId: z.string(),
    conversationId: z.string(),
    state: z.enum(states),
    count: z.number().describe('Messages'),
    messages: z.array(message).describe('By arrival: the first 100 at most'),
    firstAtMs: atMs('Arrival of the first message'),
    lastAtMs: atMs('Arrival of the last message'),
    dueAtMs: atMs('When it was or will be due').optional(),
    waitedFor: z.string().optional().describe('The batch whose end it waited for after it was due'),
    claimed: claimed.optional().describe('Its first claim'),
    pauseEndedAtMs: atMs('It collected during a pause, and was released by its end').optional(),
    supersedes: z.array(z.string()).optional().describe('The batches that it replaced, the last one last'),
    supersededBy: z.string().optional(),
    committedAtMs: atMs('When its answer was committed').optional(),
    attempts: z.number().describe('The number of the last attempt to hand it over; 0: none'),
    handedOverAtMs: atMs('When the receiver first had it').optional(),
    endedAtMs: atMs('When it ended').optional(),
    outcome: z.string().optional().describe('Of its answer: completed, failed, removed or timeout'),
    error: z.string().optional().describe('Why the last handover failed'),
    wrong: z
      .union([z.object({ kind: z.literal('lost') }), z.object({ kind: z.literal('overdue'), sinceMs: atMs('Since') })])
      .optional(),
    phases: z.array(phase),
    isCut: z.literal(true).optional().describe('The history does not reach back to its beginning'),
    changesAtMs: atMs('Read it again then: it changes without a new step').optional(),
    steps: z.array(step).describe('Oldest first'),
  }),
).meta({ id: 'Life', description: 'What became of one batch' })

const pause = shapeOf<Pause>()(
  z.object({
    id: z.string(),
    conversationId: z.string(),
    fromMs: atMs('Its beginning'),
    untilMs: atMs('When it ends, or ended by its time').optional(),
    keep: z.enum(['drop', 'collect']).optional(),
    by: z.string().optional().describe('The process that began it, or set its end anew'),
    endedAtMs: atMs('Its end').optional(),
    resumedBy: z.string().optional(),
    dropped: z.number().describe('Messages that were discarded'),
    collected: z.number().describe('Messages that came to a batch meanwhile'),
    messages: z.array(message).describe('The first 100 that were discarded'),
    steps: z.array(step).describe('Oldest first'),
  }),
).meta({ id: 'Pause' })

export const lives = shapeOf<LivesOfOne>()(
  z.object({
    lives: z.array(life).describe('Newest first'),
    pauses: z.array(pause).describe('Newest first'),
    nowMs: atMs('When this was read'),
  }),
).meta({ id: 'Lives' })
