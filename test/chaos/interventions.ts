/**
 * What operators and programs do beside the messages, to some conversations: they change stored settings, pause and
 * resume, hold and release. Each call is made once: if its answer is lost, it may still be carried out at any time, and
 * nothing of its kind follows in this conversation.
 */
import type { Random } from './random.js'
import { VARIED } from './settings.js'

/** Replaces all stored rules of a scope: `*` or a conversation. */
export interface SettingsChange {
  scope: string
  rules: VariedRules
  askedAtMs: number
  /** Absent: the answer was lost, or it was refused. */
  answeredAtMs?: number
}

export interface VariedRules {
  quietGapMs?: number
  maxWaitMs?: number
  maxMessages?: number
  typingGapMs?: number
  earlyStartMs?: number
  answering?: 'queue' | 'supersede'
  batching?: boolean
}

export interface Pause {
  conversationId: string
  keep: 'drop' | 'collect'
  forMs: number
  askedAtMs: number
  /** These are absent if the answer was lost. */
  answeredAtMs?: number
  untilMs?: number
  dropped?: number
  /** When it was asked to end. */
  resumeAskedAtMs?: number
}

export interface Hold {
  conversationId: string
  forMs: number
  askedAtMs: number
  answeredAtMs?: number
  releaseAskedAtMs?: number
}

export interface Interventions {
  changes: SettingsChange[]
  pauses: Pause[]
  holds: Hold[]
}

export const noInterventions = (): Interventions => ({ changes: [], pauses: [], holds: [] })

export type Kind = 'plain' | 'settings' | 'collect' | 'drop' | 'hold'

/** What happens to a conversation, by its number: to two of three nothing. */
export function kindOf(conversationId: string): Kind {
  const number = Number(conversationId.replace(/\D/g, ''))
  return VARIED[number % 12] ?? 'plain'
}

/** @returns the body of a 200, else nothing */
export type Ask = (method: 'POST' | 'PUT', path: string, body: object) => Promise<Record<string, unknown> | undefined>

export class Intervener {
  readonly done = noInterventions()
  private readonly uncertain = new Set<string>()

  constructor(
    private readonly ask: Ask,
    private readonly wait: (ms: number) => Promise<unknown>,
    private readonly supersedes: boolean,
  ) {}

  /** One intervention of the conversation's kind, to its end. */
  async one(conversationId: string, random: Random): Promise<void> {
    if (this.uncertain.has(conversationId)) return
    const kind = kindOf(conversationId)
    if (kind === 'settings') await this.change(conversationId, this.rules(random))
    else if (kind === 'hold') await this.hold(conversationId, random)
    else if (kind !== 'plain') await this.pause(conversationId, kind, random)
  }

  async change(scope: string, rules: VariedRules): Promise<void> {
    if (this.uncertain.has(scope)) return
    const change: SettingsChange = { scope, rules, askedAtMs: Date.now() }
    this.done.changes.push(change)
    const { batching, ...others } = rules
    const body = { ...others, ...(batching === undefined ? {} : { batching: batching ? 'on' : 'off' }) }
    if (await this.ask('PUT', `/settings/${encodeURIComponent(scope)}`, body)) change.answeredAtMs = Date.now()
    else this.uncertain.add(scope)
  }

  private rules(random: Random): VariedRules {
    const some = <Value>(values: readonly Value[]) => (random.chance(0.5) ? random.pick(values) : undefined)
    const drawn: [keyof VariedRules, unknown][] = [
      ['quietGapMs', some([150, 500])],
      ['maxWaitMs', some([900, 2200])],
      ['maxMessages', some([4, 12])],
      ['typingGapMs', some([100])],
      ['batching', random.chance(0.15) ? false : undefined],
      ...(this.supersedes
        ? ([
            ['earlyStartMs', some([20, 100])],
            ['answering', random.chance(0.2) ? 'queue' : undefined],
          ] satisfies [keyof VariedRules, unknown][])
        : []),
    ]
    const rules: VariedRules = Object.fromEntries(drawn.filter(([, value]) => value !== undefined))
    // Nothing starts early where answers are not superseded.
    return rules.answering === 'queue' ? { ...rules, earlyStartMs: 0 } : rules
  }

  private async pause(conversationId: string, keep: 'drop' | 'collect', random: Random): Promise<void> {
    const pause: Pause = { conversationId, keep, forMs: random.between(1000, 2500), askedAtMs: Date.now() }
    this.done.pauses.push(pause)
    const answer = await this.ask('POST', `/conversations/${conversationId}/pause`, { forMs: pause.forMs, keep })
    if (!answer) {
      this.uncertain.add(conversationId)
      return
    }
    pause.answeredAtMs = Date.now()
    pause.untilMs = Number(answer['untilMs'])
    pause.dropped = Number(answer['dropped'])
    await this.wait(random.between(100, 2 * pause.forMs))
    if (random.chance(0.5)) return
    pause.resumeAskedAtMs = Date.now()
    if (!(await this.ask('POST', `/conversations/${conversationId}/resume`, {}))) this.uncertain.add(conversationId)
  }

  private async hold(conversationId: string, random: Random): Promise<void> {
    const hold: Hold = { conversationId, forMs: random.between(200, 4000), askedAtMs: Date.now() }
    this.done.holds.push(hold)
    const key = `job-${random.between(1, 3)}-${this.done.holds.length}`
    if (!(await this.ask('POST', `/conversations/${conversationId}/hold`, { key, forMs: hold.forMs }))) {
      this.uncertain.add(conversationId)
      return
    }
    hold.answeredAtMs = Date.now()
    await this.wait(random.between(50, hold.forMs))
    if (random.chance(0.3)) return
    hold.releaseAskedAtMs = Date.now()
    if (!(await this.ask('POST', `/conversations/${conversationId}/release`, { key })))
      this.uncertain.add(conversationId)
  }
}
