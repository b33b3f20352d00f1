/**
 * Providers that post what people write: bursts of messages, one request after another, each repeated until it gets a
 * 200, and sometimes once more. Each provider records what it sent, for the checker.
 */
import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { Intervener, type Interventions, kindOf } from './interventions.js'
import { type Random, randomFrom } from './random.js'
import { RULES, TOKEN } from './settings.js'

export interface SentMessage {
  conversationId: string
  messageId: string
  direct: boolean
  /** How many messages of its conversation its request had. */
  together: number
  /** When it was first sent, and when it got its first 200; milliseconds since the epoch. */
  firstSentAtMs: number
  acceptedAtMs?: number
  /** Its text ends its batch, by the hook. */
  ends?: boolean
  /** It has no text, and holds back its batch. */
  voice?: boolean
  /** In a conversation whose pauses discard: whether one did, by the answer; `maybe` if an answer was lost. */
  paused?: 'yes' | 'no' | 'maybe'
}

/** A flush by hand: releases the open batch at once. */
export interface Flush {
  conversationId: string
  firstSentAtMs: number
}

export interface Traffic {
  /** By conversation, in the order in which they were sent. */
  sent: Map<string, SentMessage[]>
  flushes: Flush[]
  interventions: Interventions
  /** Requests answered 200, and the others (503, no answer in time, no connection). */
  answers: { accepted: number; refused: Map<string, number>; resent: number }
}

const REQUEST_TIMEOUT_MS = 3000
const TRY_AGAIN_MS = { min: 50, max: 600 } as const
const PAUSE_MS = { min: 800, max: 5000 } as const
const SHARES = {
  resent: 0.06,
  direct: 0.04,
  flush: 0.01,
  typing: 0.03,
  slow: 0.1,
  long: 0.05,
  twoPeople: 0.1,
  sendTimes: 0.5,
  intervenes: 0.4,
  ends: 0.03,
  voice: 0.3,
} as const
const CHANGES_MS = { min: 3000, max: 9000 } as const
/** Conversations of one provider, which sends one request at a time. */
const PEOPLE_AT_ONCE = 2

export class Clients {
  readonly traffic: Traffic
  private readonly intervener: Intervener
  private readonly stopping = new AbortController()
  private readonly running: Promise<void>[] = []

  /** @param urls of the API servers */
  constructor(
    private readonly urls: string[],
    { seed, conversations, supersedes }: { seed: number; conversations: number; supersedes: boolean },
  ) {
    const operators = randomFrom(seed * 31 + 7)
    this.intervener = new Intervener(
      async (method, path, body) => {
        const { status, reply } = await this.call(operators, path, body, method)
        return status === '200' ? (reply ?? {}) : undefined
      },
      ms => this.pause(ms),
      supersedes,
    )
    this.traffic = {
      ...{ sent: new Map(), flushes: [], interventions: this.intervener.done },
      answers: { accepted: 0, refused: new Map(), resent: 0 },
    }
    this.running.push(this.changeAll(operators))
    // Each provider listens to it.
    setMaxListeners(0, this.stopping.signal)
    for (let i = 0; i < conversations; i += PEOPLE_AT_ONCE) {
      const people = Array.from({ length: Math.min(PEOPLE_AT_ONCE, conversations - i) }, (_, j) => `c${i + j + 1}`)
      this.running.push(this.write(people, randomFrom(seed * 10_007 + i)))
      people
        .filter(person => kindOf(person) !== 'plain')
        .forEach((person, j) => void this.running.push(this.intervene(person, randomFrom(seed * 101 + i + j))))
    }
  }

  /** Sends nothing new; resolves when everything sent has got a 200. */
  async stop(): Promise<void> {
    this.stopping.abort()
    await Promise.all(this.running)
  }

  /** Changes the stored settings of all conversations. */
  private async changeAll(random: Random): Promise<void> {
    for (let isChanged = false; !this.stopping.signal.aborted; isChanged = !isChanged) {
      await this.pause(random.between(CHANGES_MS.min, CHANGES_MS.max))
      if (!this.stopping.signal.aborted) await this.intervener.change('*', isChanged ? {} : { maxMessages: 6 })
    }
  }

  /** Beside the messages. */
  private async intervene(person: string, random: Random): Promise<void> {
    while (!this.stopping.signal.aborted) {
      await this.pause(random.between(PAUSE_MS.min, PAUSE_MS.max))
      if (random.chance(SHARES.intervenes) && !this.stopping.signal.aborted) await this.intervener.one(person, random)
    }
  }

  private async write(people: string[], random: Random): Promise<void> {
    await this.pause(random.between(0, PAUSE_MS.max))
    while (!this.stopping.signal.aborted) {
      const person = random.pick(people)
      // Some pauses are longer than a gap. Some bursts are so long that the max wait or the cap ends the batch.
      const longestPauseMs = random.chance(SHARES.slow) ? 2 * RULES.quietGapMs : RULES.quietGapMs / 3
      const requests = random.chance(SHARES.long) ? random.between(8, 25) : random.between(1, 4)
      for (let i = 0; i < requests && !this.stopping.signal.aborted; i++) {
        const areTogether = random.chance(SHARES.twoPeople) && !people.some(each => kindOf(each) === 'drop')
        await this.request(areTogether ? people : [person], random)
        await this.pause(random.between(0, longestPauseMs))
        if (random.chance(SHARES.typing)) await this.post(random, `/conversations/${person}/typing`, {})
      }
      if (random.chance(SHARES.flush)) await this.flush(person, random)
      await this.pause(random.between(PAUSE_MS.min, PAUSE_MS.max))
    }
  }

  private async request(people: string[], random: Random): Promise<void> {
    const direct = random.chance(SHARES.direct)
    const withTimes = random.chance(SHARES.sendTimes)
    const messages = people.flatMap(person => {
      const together = random.chance(0.2) ? random.between(2, 4) : 1
      const ends = !direct && together === 1 && random.chance(SHARES.ends)
      const voice = !direct && !ends && kindOf(person) === 'hold' && random.chance(SHARES.voice)
      return Array.from({ length: together }, () => this.newMessage(person, { direct, together, ends, voice }))
    })
    const body = { messages: messages.map(message => posted(message, withTimes)) }
    const path = direct ? '/webhook/whatsapp' : '/webhook/whatsapp/batched'
    const paused = await this.untilAccepted(path, body, random)
    const now = Date.now()
    for (const message of messages) {
      message.acceptedAtMs = now
      if (kindOf(message.conversationId) === 'drop') message.paused = paused
    }
    if (random.chance(SHARES.resent)) {
      this.traffic.answers.resent += 1
      await this.untilAccepted(path, body, random)
    }
  }

  private newMessage(
    conversationId: string,
    about: Pick<SentMessage, 'direct' | 'together' | 'ends' | 'voice'>,
  ): SentMessage {
    const all = this.traffic.sent.get(conversationId) ?? []
    this.traffic.sent.set(conversationId, all)
    const messageId = `${conversationId}-${all.length + 1}`
    const message = { conversationId, messageId, ...about, firstSentAtMs: Date.now() }
    all.push(message)
    return message
  }

  private async flush(conversationId: string, random: Random): Promise<void> {
    this.traffic.flushes.push({ conversationId, firstSentAtMs: Date.now() })
    await this.post(random, `/conversations/${conversationId}/flush`, {})
  }

  /**
   * Retries without a bound of its own: the end of the run is the bound. Resolves to whether a pause has discarded the
   * messages.
   */
  private async untilAccepted(path: string, body: object, random: Random): Promise<'yes' | 'no' | 'maybe'> {
    for (let isFirst = true; ; isFirst = false) {
      const { status, reply } = await this.call(random, path, body)
      if (status === '200') {
        this.traffic.answers.accepted += 1
        if (!isFirst) return 'maybe'
        return reply?.['paused'] === undefined ? 'no' : 'yes'
      }
      this.traffic.answers.refused.set(status, (this.traffic.answers.refused.get(status) ?? 0) + 1)
      await delay(random.between(TRY_AGAIN_MS.min, TRY_AGAIN_MS.max))
    }
  }

  /** Resolves to the status, or to why there is none. */
  private async post(random: Random, path: string, body: object): Promise<string> {
    return (await this.call(random, path, body)).status
  }

  private async call(random: Random, path: string, body: object, method = 'POST') {
    try {
      const response = await fetch(new URL(path, random.pick(this.urls)), {
        method,
        headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      })
      const reply = answer.safeParse(await response.json().catch(() => undefined))
      return { status: String(response.status), reply: reply.data }
    } catch (error) {
      return { status: error instanceof Error && error.name === 'TimeoutError' ? 'timeout' : 'no connection' }
    }
  }

  private pause(ms: number): Promise<unknown> {
    // Cut short at the end of the run.
    return delay(ms, undefined, { signal: this.stopping.signal }).catch(() => {})
  }
}

const answer = z.record(z.string(), z.unknown())

function posted({ conversationId, messageId, firstSentAtMs, ends, voice }: SentMessage, withTime: boolean) {
  const content = voice ? { type: 'voice' } : { text: ends ? `${messageId} stop` : messageId }
  const message = { chatId: conversationId, messageId, ...content }
  return withTime ? { ...message, timestamp: firstSentAtMs } : message
}
