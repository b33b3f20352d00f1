/**
 * Reads the BullMQ queue for the page: the numbers of jobs, and bull-board for `/queues`. Both are loaded and connected
 * at the first call.
 */
import type { Middleware } from 'koa'
import { z } from 'zod'
import { isErased } from '../handover/answered-texts.js'
import type { OpenQueue } from '../handover/bullmq-connection.js'
import { type OpenQueues, openQueues } from '../handover/queue-shards.js'
import { Refusal } from '../http/refusal.js'
import type { Logger } from '../logger.js'
import { MissingPackage, missingPackage } from '../optional-package.js'
import { addressOf } from '../store/redis/connection.js'
import { redisError } from '../store/redis/errors.js'
import type { RedisSource } from '../store/redis/source.js'
import { hideJobTexts } from './hidden-jobs.js'

export interface QueueWindowOptions {
  redis: RedisSource
  name: string
  prefix: string
  shards: number
  connectionName: string
  /** Whether the board shows what people wrote. */
  showTexts: boolean
  log: Logger
}

export const BOARD_PATH = '/queues'

/** A completed job is an answer that was sent: a click must not send it again. */
const BOARD_OPTIONS = { readOnlyMode: false, allowCompletedRetries: false }

/** In bull-board's page. The Content-Security-Policy refuses it, and the browser would log that. */
const FONTS_ELSEWHERE = /<link [^>]*fonts\.googleapis\.com[^>]*>/

/** In bull-board's page. It lacks a path that a proxy strips; board.js sets the right base. */
const ABSOLUTE_BASE = /<base [^>]*>/

export type JobCounts = Record<string, number>

const jobData = z.looseObject({ messages: z.array(z.unknown()) })

export class QueueWindow {
  private opening: Promise<OpenQueues> | undefined
  private making: Promise<Middleware> | undefined

  constructor(private readonly options: QueueWindowOptions) {}

  get name(): string {
    return this.options.name
  }

  /**
   * The numbers of jobs, of all shards together.
   * @throws {StoreUnavailable} if the queue's Redis cannot be used
   */
  async counts(): Promise<JobCounts> {
    const { all } = await this.open()
    const sums: JobCounts = {}
    for (const counts of await Promise.all(all.map(countsOf)))
      for (const [state, count] of Object.entries(counts)) sums[state] = (sums[state] ?? 0) + count
    return sums
  }

  /**
   * Middleware that serves everything under `BOARD_PATH`.
   * @throws {Refusal} 501 if an optional package is missing
   */
  board(): Promise<Middleware> {
    this.making ??= this.makeBoard().catch(error => {
      this.making = undefined
      if (error instanceof MissingPackage) throw new Refusal(501, error.message)
      throw error
    })
    return this.making
  }

  /** May be called twice. */
  async close(): Promise<void> {
    const { opening } = this
    this.opening = undefined
    this.making = undefined
    try {
      const open = await opening
      await open?.close()
    } catch (error) {
      this.options.log.debug({ err: error }, 'the queue’s connection was not closed cleanly')
    }
  }

  private open(): Promise<OpenQueues> {
    const { log, ...options } = this.options
    const onError = (error: Error) => log.debug({ err: error }, 'the queue cannot be shown')
    this.opening ??= openQueues(options, { ...options, onError }).catch(error => {
      this.opening = undefined
      throw error
    })
    return this.opening
  }

  private async makeBoard(): Promise<Middleware> {
    const { all } = await this.open()
    const [{ createBullBoard }, { BullMQAdapter }, { KoaAdapter }] = await loadBoard()
    const queues = all.map(({ queue }, shard) => {
      // The shards have one name, and the board finds a queue by its name.
      const named =
        all.length > 1 ? { prefix: `${shard}-`, displayName: `${queue.name} ${queue.opts.prefix}` } : undefined
      const adapter = new BullMQAdapter(queue, { ...BOARD_OPTIONS, ...named })
      // bull-board finds workers by BullMQ's connection names. Ours have Lull's names, so it would show that there are
      // none.
      adapter.getWorkers = async () => null
      if (!this.options.showTexts) adapter.setFormatter('data', withoutTexts)
      return adapter
    })
    const serverAdapter = new KoaAdapter().setBasePath(BOARD_PATH)
    createBullBoard({ queues, serverAdapter, options: { uiConfig: { boardTitle: 'Lull: queue' } } })
    const board = serverAdapter.registerPlugin()
    return async (ctx, next) => {
      await board(ctx, next)
      if (!this.options.showTexts) hideJobTexts(ctx)
      if (typeof ctx.body !== 'string') return
      const up = '../'.repeat(ctx.path.split('/').length - BOARD_PATH.split('/').length)
      const base = `<base href="${up}${BOARD_PATH.slice(1)}/"><script src="../page/board.js"></script>`
      ctx.body = ctx.body.replace(FONTS_ELSEWHERE, '').replace(ABSOLUTE_BASE, base)
    }
  }
}

async function countsOf({ client, queue }: OpenQueue): Promise<JobCounts> {
  try {
    return await queue.getJobCounts('waiting', 'active', 'delayed', 'completed', 'failed')
  } catch (error) {
    throw redisError(error, addressOf(client))
  }
}

/** @throws {MissingPackage} */
async function loadBoard() {
  try {
    return await Promise.all([
      import('@bull-board/api'),
      import('@bull-board/api/bullMQAdapter'),
      import('@bull-board/koa'),
    ])
  } catch (error) {
    throw missingPackage(
      error,
      'the board needs two optional packages: npm install @bull-board/api@9 @bull-board/koa@9, or build the image with ' +
        '--build-arg PACKAGES=all',
    )
  }
}

/** Jobs may come from other programs, so the data is checked. */
function withoutTexts(data: unknown): unknown {
  const parsed = jobData.safeParse(data)
  if (!parsed.success) return isErased(data) ? data : '(hidden)'
  const { text: _text, messages, ...batch } = parsed.data
  return { ...batch, messages: `${messages.length} (hidden)` }
}
