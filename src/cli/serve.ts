/**
 * Runs a role as a process until SIGTERM or SIGINT: starts it, waits, and stops it within a bound. A second signal ends
 * the process at once. So does an uncaught error: a process in an unknown state must not handle other people's
 * messages, and its process manager starts it again.
 */
import type { Logger } from '../logger.js'
import { explain } from './explain.js'
import { Lifecycle } from './lifecycle.js'
import { oneLine } from './show/escape.js'
import { print } from './show/print.js'

// Closing a terminal (SIGHUP) stops a process that was started in it, but not under nohup: standard input is no
// terminal then.
const SIGNALS = ['SIGTERM', 'SIGINT', ...(process.stdin.isTTY ? (['SIGHUP'] as const) : [])] as const
/** Under npm one Ctrl-C arrives twice: from the terminal, and forwarded by npm. */
const SAME_SIGNAL_MS = 100
/** The share of `LULL_SHUTDOWN_MS` that the clean stop may take. After the rest the process is ended. */
const CLEAN_SHARE = 0.95
/** Bound of a stop after the private Redis has failed: nothing can be given back then. */
const STOP_AFTER_FAILURE_MS = 2000

export interface ServeOptions {
  log: Logger
  shutdownMs: number
  /** Acquires what the role needs, adds each release to `lifecycle`, and logs that it has started. */
  start(lifecycle: Lifecycle): Promise<void>
}

/** Resolves when the role has stopped; rejects if it could not start, once everything acquired has been released. */
export async function serve({ log, shutdownMs, start }: ServeOptions): Promise<void> {
  const lifecycle = new Lifecycle(log)
  const signals = new Signals(log, shutdownMs)
  const release = endOnUncaughtErrors(log)
  let stopMs = shutdownMs * CLEAN_SHARE
  lifecycle.failed.catch(() => {
    stopMs = Math.min(stopMs, STOP_AFTER_FAILURE_MS)
  })
  try {
    const starting = start(lifecycle)
    // If a signal comes first, the start ends as `StoppedEarly`, or fails because the stop has closed what it uses.
    starting.catch(error => log.debug({ err: error }, 'the start ended'))
    await Promise.race([starting.then(announceReady), signals.first, lifecycle.failed])
    await Promise.race([signals.first, lifecycle.failed])
  } finally {
    const stoppingAtMs = performance.now()
    await lifecycle.stop(stopMs)
    if (signals.received) log.info({ ms: Math.round(performance.now() - stoppingAtMs) }, 'stopped')
    signals.close()
    release()
  }
}

/** For a parent process that waits for it: PM2 with `wait_ready`. */
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
    for (const signal of SIGNALS) process.on(signal, this.onSignal)
  }

  get received(): boolean {
    return this.firstAtMs !== undefined
  }

  close(): void {
    clearTimeout(this.deadline)
    for (const signal of SIGNALS) process.off(signal, this.onSignal)
  }

  private readonly onSignal = (signal: NodeJS.Signals): void => {
    if (this.firstAtMs !== undefined) {
      if (performance.now() - this.firstAtMs < SAME_SIGNAL_MS) return
      this.log.warn({ signal }, `${signal} again: ended at once; another process takes over what was running`)
      process.exit(1)
    }
    this.firstAtMs = performance.now()
    this.log.info(
      { signal },
      `${signal}: stopping within ${this.shutdownMs} ms; a second signal ends the process at once`,
    )
    this.deadline = setTimeout(() => {
      this.log.error({}, `not stopped within LULL_SHUTDOWN_MS=${this.shutdownMs}: ended at once`)
      process.exit(1)
    }, this.shutdownMs)
    this.deadline.unref()
    this.resolve()
  }
}

function endOnUncaughtErrors(log: Logger): () => void {
  const end = (error: unknown) => {
    log.debug({ err: error }, 'an uncaught error')
    const said = oneLine(explain(error))
    print(`lull: ${said}: an uncaught error ended this process (LOG_LEVEL=debug shows where)`, process.stderr)
    process.exit(1)
  }
  process.on('uncaughtException', end)
  process.on('unhandledRejection', end)
  return () => {
    process.off('uncaughtException', end)
    process.off('unhandledRejection', end)
  }
}
