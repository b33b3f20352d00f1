/**
 * Prometheus metrics of one process: an `Observer` that counts. They follow Prometheus's conventions (seconds,
 * `_total`). No label holds a conversation, and each label has a bounded set of values.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { CommitOutcome, Counts, NudgeKind, Observer, SupersededWhen } from '../observer.js'
import type { AnswerOutcome, ClaimedBatch, Store, StoreUnavailable } from '../store/store.js'
import { Canary } from './canary.js'
import { notificationLag, type Reading, redisUp, systemTotals } from './system.js'

const SECOND_MS = 1000
/** From milliseconds, for punctual releases, to minutes, for releases after an outage. */
const LATENESS_S = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
const CALL_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const WAIT_S = [1, 2, 5, 10, 15, 20, 30, 45, 60, 120, 300, 600]
const ANSWER_S = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600]
/** Around the usual quiet gaps, and up to a person's patience. */
const REPLY_S = [1, 2, 3, 5, 7.5, 10, 12.5, 15, 20, 25, 30, 45, 60, 120, 300]
const COMMIT_WAIT_S = [0.01, 0.1, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 30, 60]
const MESSAGES = [1, 2, 3, 4, 5, 7, 10, 15, 20, 50, 100]

export interface Requested {
  /** The route's pattern. */
  route: string
  method: string
  code: number
  durationMs: number
}

export class Metrics implements Observer {
  readonly registry = new Registry()
  private readonly messages = this.counter('lull_messages_total', 'Messages received', ['provider', 'outcome'])
  private readonly rejections = this.counter('lull_webhook_rejections_total', 'Webhooks refused', [
    'provider',
    'reason',
  ])
  /** Inside Lull the step is `claimed`; to the outside its first claim is a batch's release (see observer.ts). */
  private readonly firstClaims = this.counter('lull_batches_released_total', 'Batches claimed for the first time', [
    'reason',
  ])
  private readonly handovers = this.counter('lull_handovers_total', 'Handovers', ['kind', 'result'])
  private readonly answers = this.counter('lull_answers_total', 'Batches whose work has ended', ['result'])
  private readonly reclaims = this.counter('lull_claims_reclaimed_total', 'Batches claimed again', [])
  private readonly headersLost = this.counter('lull_headers_lost_total', 'Headers lost before the claim', ['cause'])
  private readonly nudges = this.counter('lull_nudges_total', 'What woke the processor', ['kind'])
  private readonly redisErrors = this.counter('lull_redis_errors_total', 'Calls that Redis failed', ['kind'])
  private readonly redirects = this.counter(
    'lull_redirects_total',
    'Calls that a Cluster answered with MOVED, or refused with ASK',
    ['kind'],
  )
  private readonly shortWaits = this.counter(
    'lull_wait_short_total',
    'Writes that too few replicas had in time (LULL_WAIT_REPLICAS)',
    [],
  )
  private readonly lateness = this.histogram(
    'lull_release_lateness_seconds',
    'From the moment a batch could go to its claim',
    [],
    LATENESS_S,
  )
  private readonly wait = this.histogram(
    'lull_batch_wait_seconds',
    'From a batch’s first message to its claim',
    [],
    WAIT_S,
  )
  private readonly size = this.histogram('lull_batch_messages', 'Messages of a batch', [], MESSAGES)
  private readonly append = this.histogram('lull_append_duration_seconds', 'Storing messages', [], CALL_S)
  private readonly handover = this.histogram('lull_handover_duration_seconds', 'A handover call', ['kind'], ANSWER_S)
  private readonly answer = this.histogram(
    'lull_answer_duration_seconds',
    'From a handover to the end of the work',
    ['result'],
    ANSWER_S,
  )
  private readonly reply = this.histogram(
    'lull_reply_seconds',
    'From a batch’s last message to the end of its answer',
    [],
    REPLY_S,
  )
  private readonly supersessions = this.counter(
    'lull_superseded_total',
    'Batches that newer messages superseded before their commit',
    ['when'],
  )
  private readonly commits = this.counter('lull_commits_total', 'Commits of answers, granted or refused', ['result'])
  private readonly commitWait = this.histogram(
    'lull_commit_wait_seconds',
    'From the call of commit() to its end',
    [],
    COMMIT_WAIT_S,
  )
  private readonly wasted = this.counter(
    'lull_wasted_run_seconds_total',
    'Work of handlers on batches that were superseded',
    [],
  )
  private readonly requests = this.histogram(
    'lull_http_request_duration_seconds',
    'HTTP requests',
    ['route', 'method', 'code'],
    CALL_S,
  )
  /** By their labels: prom-client's own look-up costs more than the observation. */
  private readonly requestSeries = new Map<string, Histogram.Internal<string>>()
  private readonly build = new Gauge({
    name: 'lull_build_info',
    help: 'Always 1',
    labelNames: ['version', 'role'],
    registers: [this.registry],
  })
  private readonly members = new Gauge({
    name: 'lull_processors',
    help: 'Processors that run, as this one knows them; only with partitions',
    registers: [this.registry],
  })
  private readonly readings: Reading[] = []
  private canary: Canary | undefined
  private isScraped = false

  constructor(private readonly version: string) {
    this.reclaims.inc(0)
    this.shortWaits.inc(0)
    // Until it is known.
    this.members.remove()
  }

  /** Prometheus's text format. */
  async text(): Promise<{ type: string; text: string }> {
    // Node's own metrics only start with the first scrape: measuring the event loop has a cost.
    if (!this.isScraped) collectDefaultMetrics({ register: this.registry })
    this.isScraped = true
    await Promise.all(this.readings.map(read => read()))
    return { type: this.registry.contentType, text: await this.registry.metrics() }
  }

  /** Notes that a role runs in this process. */
  runs(role: string): void {
    this.build.set({ version: this.version, role }, 1)
    // These counters begin at 0: increase() misses the first event of a counter that begins at 1.
    for (const result of COMMITS) this.commits.inc({ result }, 0)
    for (const when of SUPERSEDED) this.supersessions.inc({ when }, 0)
    if (role !== 'processor') return
    for (const cause of CAUSES) this.headersLost.inc({ cause }, 0)
    for (const result of ANSWERS) this.answers.inc({ result }, 0)
  }

  /** @param ready rejects if this process cannot use its Redis */
  watchRedis(ready: () => Promise<void>): void {
    this.readings.push(redisUp(this.registry, ready))
  }

  /**
   * Adds the gauges of the whole system.
   * @param store its expired canary keys are reported to `canaryExpired`
   * @param name unique to this process
   */
  watchSystem(store: Pick<Store, 'totals' | 'canary' | 'partitionsAway'>, name: string): void {
    this.readings.push(systemTotals(this.registry, store))
    if (!store.canary) return
    this.canary = new Canary(store.canary, name)
    this.readings.push(notificationLag(this.registry, this.canary))
  }

  stop(): void {
    this.canary?.stop()
  }

  received(provider: string, counts: Counts): void {
    for (const [name, outcome] of OUTCOMES) {
      const all = counts[name] ?? 0
      // Each message has one outcome.
      const count = name === 'accepted' ? all - (counts.paused ?? 0) : all
      if (count > 0) this.messages.inc({ provider, outcome }, count)
    }
  }

  rejected(provider: string, reason: string): void {
    this.rejections.inc({ provider, reason })
  }

  appended(durationMs: number): void {
    this.append.observe(durationMs / SECOND_MS)
  }

  requested({ route, method, code, durationMs }: Requested): void {
    const knownMethod = KNOWN_METHODS.has(method) ? method : 'other'
    const key = `${route} ${knownMethod} ${code}`
    const series = this.requestSeries.get(key) ?? this.requests.labels({ route, method: knownMethod, code })
    this.requestSeries.set(key, series)
    series.observe(durationMs / SECOND_MS)
  }

  claimed({ batch, lease, lateMs, headerLost }: ClaimedBatch): void {
    if (lease > 1) {
      this.reclaims.inc()
      return
    }
    this.firstClaims.inc({ reason: batch.releasedBy })
    this.lateness.observe(lateMs / SECOND_MS)
    this.wait.observe(Math.max(batch.releasedAtMs - batch.firstAtMs, 0) / SECOND_MS)
    this.size.observe(batch.messages.length)
    if (headerLost) this.headersLost.inc({ cause: headerLost })
  }

  handedOver({ kind, result, durationMs }: { kind: string; result: string; durationMs: number }): void {
    this.handovers.inc({ kind, result })
    this.handover.observe({ kind }, durationMs / SECOND_MS)
  }

  answered(result: string, durationMs: number | undefined, replyMs: number | undefined): void {
    this.answers.inc({ result })
    if (durationMs !== undefined) this.answer.observe({ result }, durationMs / SECOND_MS)
    // Work that failed or timed out has sent no reply.
    if (replyMs !== undefined && result === 'completed') this.reply.observe(replyMs / SECOND_MS)
  }

  superseded(when: SupersededWhen): void {
    this.supersessions.inc({ when })
  }

  runWasted(durationMs: number): void {
    this.wasted.inc(durationMs / SECOND_MS)
  }

  committed(result: CommitOutcome, waitedMs?: number): void {
    this.commits.inc({ result })
    if (waitedMs !== undefined) this.commitWait.observe(waitedMs / SECOND_MS)
  }

  nudged(kind: NudgeKind): void {
    this.nudges.inc({ kind })
  }

  processors(count: number): void {
    this.members.set(count)
  }

  redisFailed(kind: StoreUnavailable['reason']): void {
    this.redisErrors.inc({ kind })
  }

  redirected(kind: 'moved' | 'ask'): void {
    this.redirects.inc({ kind })
  }

  waitFellShort(): void {
    this.shortWaits.inc()
  }

  canaryExpired(name: string): void {
    this.canary?.onExpired(name)
  }

  private counter(name: string, help: string, labelNames: string[]) {
    return new Counter({ name, help, labelNames, registers: [this.registry] })
  }

  private histogram(name: string, help: string, labelNames: string[], buckets: number[]) {
    return new Histogram({ name, help, labelNames, buckets, registers: [this.registry] })
  }
}

const KNOWN_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'DELETE', 'PUT', 'PATCH', 'OPTIONS'])
const CAUSES: readonly NonNullable<ClaimedBatch['headerLost']>[] = ['expired', 'vanished']
const ANSWERS: readonly AnswerOutcome[] = ['completed', 'failed', 'removed', 'timeout']
const COMMITS: readonly CommitOutcome[] = ['go', 'again', 'superseded', 'answered', 'unknown']
const SUPERSEDED: readonly SupersededWhen[] = ['waiting', 'running', 'due']
const OUTCOMES: readonly [keyof Counts, outcome: string][] = [
  ['accepted', 'accepted'],
  ['duplicates', 'duplicate'],
  ['ignored', 'ignored'],
  ['paused', 'paused'],
  ['edited', 'edited'],
  ['revoked', 'revoked'],
  ['tooLate', 'too_late'],
]
