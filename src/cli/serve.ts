/**
 * Runs a role as a process until SIGTERM or SIGINT: starts it, waits, and stops it within a bound. A second signal ends
 * the process at once. So does an error that nobody caught: a process in an unknown state is not to be trusted with
 * other people's messages, and whoever started it starts it again.
 */
import type { Logger } from '../logger.js'
import { explain, oneLine } from './explain.js'
import { Lifecycle } from './lifecycle.js'

// A closed terminal ends what was started in it. Under nohup (standard input is no terminal then) it must not.
const SIGNALS = ['SIGTERM', 'SIGINT', ...(process.stdin.isTTY ? (['SIGHUP'] as const) : [])] as const
/** One Ctrl-C comes twice under npm: from the terminal, and passed on by npm. */
const SAME_SIGNAL_MS = 100
/** Of `LULL_SHUTDOWN_MS`, what the clean stop may take before the process ends without it. */
const CLEAN_SHARE = 0.95
/** With that gone which all else stands on there is nothing to hand back, and little to wait for. */
const STOP_AFTER_FAILURE_MS = 2000

export interface ServeOptions {
  log: Logger
  shutdownMs: number
  /** Acquires, and pushes each release to `lifecycle`. What it has to say at the end of the start it says itself. */
  start(lifecycle: Lifecycle): Promise<void>
}

/** Resolves when all is stopped; rejects with what kept it from starting, once that is stopped as well. */
export async function serve({ log, shutdownMs, start }: ServeOptions): Promise<void> {
  const lifecycle = new Lifecycle(log)
  const signals = new Signals(log, shutdownMs)
  const release = catchStrays(log)
  let stopMs = shutdownMs * CLEAN_SHARE
  lifecycle.failed.catch(() => {
    stopMs = Math.min(stopMs, STOP_AFTER_FAILURE_MS)
  })
  try {
    const starting = start(lifecycle)
    // When a signal wins the race, the rest of the start ends as `StoppedEarly`, or fails on what was closed under it.
    starting.catch(error => log.debug({ err: error }, 'the start ended'))
    await Promise.race([starting.then(announceReady), signals.first])
    await Promise.race([signals.first, lifecycle.failed])
  } finally {
    const stoppingAtMs = performance.now()
    await lifecycle.stop(stopMs)
    if (signals.heard) log.info({ ms: Math.round(performance.now() - stoppingAtMs) }, 'stopped')
    signals.close()
    release()
  }
}

/** To a parent that waits for it: PM2 with `wait_ready`. */
const announceReady = () => process.send?.('ready')

class Signals {
  readonly first: Promise<void>
  private firstAtMs: number | undefined
  private resolve = () => {}
  private deadline: NodeJS.Timeout | undefined

  constructor(
    private readonly log: Logger,
    private readonly shutdownMs: number,
  ) {
    this.first = new Promise(resolve => {
      this.resolve = resolve
    })
    for (const signal of SIGNALS) process.on(signal, this.hear)
  }

  /** A stop was asked for. */
  get heard(): boolean {
    return this.firstAtMs !== undefined
  }

  close(): void {
    clearTimeout(this.deadline)
    for (const signal of SIGNALS) process.off(signal, this.hear)
  }

  private readonly hear = (signal: NodeJS.Signals): void => {
    if (this.firstAtMs !== undefined) {
      if (performance.now() - this.firstAtMs < SAME_SIGNAL_MS) return
      this.log.warn({ signal }, `${signal} again: ended at once; what was running is taken up again elsewhere`)
      process.exit(1)
    }
    this.firstAtMs = performance.now()
    this.log.info({ signal }, `${signal}: stopping, within ${this.shutdownMs} ms; a second one ends it at once`)
    this.deadline = setTimeout(() => {
      this.log.error({}, `not stopped within LULL_SHUTDOWN_MS=${this.shutdownMs}: ended without`)
      process.exit(1)
    }, this.shutdownMs)
    this.deadline.unref()
    this.resolve()
  }
}

function catchStrays(log: Logger): () => void {
  const end = (error: unknown) => {
    log.debug({ err: error }, 'nobody caught this')
    process.stderr.write(
      `lull: ${oneLine(explain(error))}: ended, as nobody caught this (LOG_LEVEL=debug shows where)\n`,
    )
    process.exit(1)
  }
  process.on('uncaughtException', end)
  process.on('unhandledRejection', end)
  return () => {
    process.off('uncaughtException', end)
    process.off('unhandledRejection', end)
  }
}
