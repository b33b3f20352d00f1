/**
 * The processors that run, as this one knows them. It renews itself every `RENEW_MS` and reads the others with the same
 * call, and again when a start or a clean stop is published. Without the store it knows the others until their time is
 * over, and then only itself.
 */
import type { Logger } from '../logger.js'
import { PROCESSOR_TTL_MS, type ProcessorList } from '../store/processors.js'

const RENEW_MS = 10_000

export interface MembersParts {
  list: ProcessorList
  owner: string
  /** Called when the processors that run are others than before. */
  onChange: (members: string[]) => void
  log: Logger
}

export class Members {
  private known: string[] = []
  private knownUntilMs = 0
  private timer: NodeJS.Timeout | undefined
  private reading: Promise<void> | undefined
  private again = false
  private stopped: Promise<void> | undefined
  private unfollow: (() => Promise<void>) | undefined

  constructor(private readonly parts: MembersParts) {}

  /** Resolves when they have been read, or cannot be. Never rejects. */
  async start(): Promise<void> {
    this.timer = setInterval(() => void this.read(), RENEW_MS)
    await this.read()
  }

  /** Lets the others know. Never rejects; may be called twice. */
  stop(): Promise<void> {
    this.stopped ??= this.leave()
    return this.stopped
  }

  /** Renews this processor and reads the others: once more if that goes on already. */
  private read(): Promise<void> {
    this.again = true
    this.reading ??= this.readWhileAsked()
    return this.reading
  }

  private async readWhileAsked(): Promise<void> {
    while (this.again && !this.stopped) {
      this.again = false
      await this.readOnce()
    }
    this.reading = undefined
  }

  private async readOnce(): Promise<void> {
    const { list, owner, log } = this.parts
    const sentAtMs = performance.now()
    try {
      this.take(await list.renew(owner))
      this.knownUntilMs = sentAtMs + PROCESSOR_TTL_MS
      this.unfollow ??= await list.follow(() => void this.read())
    } catch (error) {
      log.debug({ err: error }, 'the other processors could not be read')
      if (performance.now() >= this.knownUntilMs) this.take([owner])
    }
  }

  private take(members: string[]): void {
    const sorted = members.toSorted()
    if (this.stopped || sorted.join() === this.known.join()) return
    this.known = sorted
    this.parts.onChange(sorted)
  }

  private async leave(): Promise<void> {
    const { list, owner, log } = this.parts
    clearInterval(this.timer)
    await this.reading
    try {
      await this.unfollow?.()
      await list.leave(owner)
    } catch (error) {
      log.debug({ err: error }, 'the other processors notice the end of this one when its time is over')
    }
  }
}
