/**
 * Carries out the faults of a schedule at their times, and records which workers each one disturbed, and for how long.
 */
import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Disturbance } from './evidence.js'
import type { Member } from './fleet.js'
import type { Place } from './places.js'
import type { LoopbackProxy } from './proxy.js'
import type { Random } from './random.js'
import type { Fault, Line, ProcessName } from './schedule.js'
import type { Handover } from './settings.js'

export interface World {
  handover: Handover
  place: Place
  members: Map<ProcessName, Member>
  lines: Map<Line, LoopbackProxy>
}

const ADMIN_TRIES = 100
const ADMIN_AGAIN_MS = 200
const MEMORY_LEFT = 4 * 1024 * 1024
const FILLER = 'x'.repeat(256 * 1024)
const FILLERS = 64
/** Until disconnected clients are connected again. */
const RECONNECT_MS = 1000

export class Faults {
  readonly disturbances: Disturbance[] = []
  /** The faults under way. */
  readonly now = new Set<string>()
  readonly done = new Map<string, number>()
  /** Of the one Redis. */
  private readonly admin: Redis | undefined
  /** Redis is killed again only when it has started: a kill during the start would fail the start. */
  private killing: Promise<void> = Promise.resolve()
  /** The faults of nodes, one after the other. */
  private nodes: Promise<void> = Promise.resolve()
  private readonly ending = new AbortController()

  constructor(
    private readonly world: World,
    private readonly random: Random,
    private readonly log: (line: string) => void,
  ) {
    const { redis } = world.place
    this.admin = redis && new Redis(redis.url, { commandTimeout: 2000, maxRetriesPerRequest: 0 })
    // Its connection breaks as well. Each command is retried.
    this.admin?.on('error', () => {})
  }

  /** Resolves when all faults have ended. */
  async run(schedule: Fault[]): Promise<void> {
    const startedAtMs = performance.now()
    setMaxListeners(0, this.ending.signal)
    await Promise.all(
      schedule.map(async fault => {
        await delay(startedAtMs + fault.atMs - performance.now(), undefined, { signal: this.ending.signal }).catch(
          () => {},
        )
        if (!this.ending.signal.aborted) await this.one(fault)
      }),
    )
  }

  /** Repairs everything. */
  async heal(): Promise<void> {
    for (const line of this.world.lines.values()) line.heal()
    if (!this.admin) return
    await this.untilDone(admin => admin.config('SET', 'notify-keyspace-events', 'Ex'))
    await this.untilDone(admin => admin.config('SET', 'maxmemory', '0'))
  }

  async close(): Promise<void> {
    this.ending.abort()
    this.admin?.disconnect()
  }

  /** The history of the batches, to explain a violation. */
  async history(): Promise<unknown> {
    return this.admin && this.untilDone(admin => admin.xrange('rapid-fire.history', '-', '+'))
  }

  private async one(fault: Fault): Promise<void> {
    const name = `${fault.kind} ${fault.target}`
    const fromMs = Date.now()
    this.now.add(name)
    this.log(`${name} for ${fault.forMs} ms`)
    this.done.set(fault.kind, (this.done.get(fault.kind) ?? 0) + 1)
    const disturbance: Disturbance | undefined = this.disturbanceOf(fault, fromMs)
    if (disturbance) this.disturbances.push(disturbance)
    await this.break(fault)
    if (disturbance) {
      const isOfConnections = fault.kind === 'disconnect' || disturbance.worker === undefined
      disturbance.toMs = Date.now() + (isOfConnections ? RECONNECT_MS : 0)
    }
    this.log(`${name} is over`)
    this.now.delete(name)
  }

  private async killRedis(forMs: number): Promise<void> {
    const { redis } = this.world.place
    await redis?.kill()
    await delay(forMs)
    await redis?.restart()
  }

  /**
   * Which workers a fault disturbs. With the HTTP handover a fault of a processor disturbs them all: it sends their
   * work. With the function handover the processors are the workers.
   */
  private disturbanceOf(fault: Fault, fromMs: number): Disturbance | undefined {
    const toMs = Number.POSITIVE_INFINITY
    const { target } = fault
    const [ofWorker, line] = this.world.handover === 'function' ? ['processor-', 'processors'] : ['worker-', 'workers']
    if (target.startsWith(ofWorker)) return { worker: target, kind: fault.kind, fromMs, toMs }
    const all = { kind: `${fault.kind} ${target}`, fromMs, toMs }
    if (
      target === 'redis' ||
      target === 'nodes' ||
      target === line ||
      (fault.kind === 'disconnect' && target === 'all')
    )
      return all
    const isSender = target === 'handover' || target.startsWith('processor')
    return this.world.handover === 'http' && isSender ? all : undefined
  }

  private async break(fault: Fault): Promise<void> {
    const { place, members, lines } = this.world
    const { redis } = place
    if (fault.target === 'nodes') {
      // The next one waits until the nodes agree again.
      const { kind, forMs } = fault
      this.nodes = this.nodes.then(() => place.fault(kind, forMs, items => this.random.pick(items)))
      return this.nodes
    }
    switch (fault.kind) {
      case 'kill':
        if (fault.target !== 'redis') return members.get(fault.target)?.kill(fault.forMs)
        this.killing = this.killing.then(() => this.killRedis(fault.forMs))
        return this.killing
      case 'freeze':
        if (fault.target !== 'redis') return members.get(fault.target)?.freeze(fault.forMs)
        await redis?.pause()
        await delay(fault.forMs)
        return redis?.resume()
      case 'restart':
        return members.get(fault.target)?.restart(fault.forMs)
      case 'disconnect':
        await this.untilDone(admin => admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub'))
        if (fault.target === 'all') await this.untilDone(admin => admin.call('CLIENT', 'KILL', 'TYPE', 'normal'))
        return
      case 'notifications':
        await this.untilDone(admin => admin.config('SET', 'notify-keyspace-events', fault.target === 'off' ? '' : 'Kg'))
        await delay(fault.forMs)
        await this.untilDone(admin => admin.config('SET', 'notify-keyspace-events', 'Ex'))
        return
      case 'memory full':
        return this.fillMemory(fault.forMs)
      default: {
        const line = lines.get(fault.target)
        if (fault.kind === 'delay') line?.delay(fault.replyMs)
        else if (fault.kind === 'refuse') line?.refuse()
        else line?.loseReplies()
        await delay(fault.forMs)
        line?.heal()
      }
    }
  }

  private async fillMemory(forMs: number): Promise<void> {
    const info = await this.untilDone(admin => admin.info('memory'))
    const used = Number(/used_memory:(\d+)/.exec(String(info))?.[1])
    await this.untilDone(admin => admin.config('SET', 'maxmemory', String(used + MEMORY_LEFT)))
    const keys = Array.from({ length: FILLERS }, (_, i) => `chaos-filler-${i}`)
    const untilMs = performance.now() + forMs
    // Fills again what is freed meanwhile.
    while (performance.now() < untilMs) {
      for (const key of keys) await this.admin?.append(key, FILLER).catch(() => {}) // OOM is the aim.
      await delay(100)
    }
    await this.untilDone(admin => admin.unlink(...keys))
    await this.untilDone(admin => admin.config('SET', 'maxmemory', '0'))
  }

  /** Repeats a command until it succeeds, within a bound: another fault may have killed or frozen Redis. */
  private async untilDone<Reply>(command: (admin: Redis) => Promise<Reply>): Promise<Reply | undefined> {
    for (let i = 0; this.admin && i < ADMIN_TRIES; i++) {
      try {
        return await command(this.admin)
      } catch {
        // The fault may have ended this connection.
        await delay(ADMIN_AGAIN_MS)
      }
    }
    throw new Error(`Redis at ${this.world.place.url} was away for longer than any fault lasts`)
  }
}
