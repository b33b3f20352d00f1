/**
 * A look into the BullMQ queue: how many jobs it has, and its board at `/queues`. Nothing of it is loaded or connected before
 * somebody looks.
 */
import type { Middleware } from 'koa'
import { z } from 'zod'
import { type OpenQueue, openQueue } from '../handover/bullmq-connection.js'
import type { Logger } from '../logger.js'
import { addressOf, type RedisSource } from '../store/redis/connection.js'
import { redisError } from '../store/redis/errors.js'

export interface QueueWindowOptions {
  redis: RedisSource
  name: string
  prefix: string
  connectionName: string
  /** Whether jobs' data are shown as they are. */
  showTexts: boolean
  log: Logger
}

export const BOARD_PATH = '/queues'

/** What has been answered once is not to be answered again by a slip of the mouse. */
const BOARD_OPTIONS = { readOnlyMode: false, allowCompletedRetries: false }

/** Of bull-board's page: nothing is fetched from anywhere else, and nothing is to be tried. */
const FONTS_ELSEWHERE = /<link [^>]*fonts\.googleapis\.com[^>]*>/

/** It does not know the path that a proxy takes away. What is there instead is resolved by board.js. */
const ABSOLUTE_BASE = /<base [^>]*>/

export type JobCounts = Record<string, number>

const jobData = z.looseObject({ messages: z.array(z.unknown()) })

export class QueueWindow {
  private opening: Promise<OpenQueue> | undefined
  private making: Promise<Middleware> | undefined

  constructor(private readonly options: QueueWindowOptions) {}

  get name(): string {
    return this.options.name
  }

  /** @throws {StoreUnavailable} where the queue's Redis can not be reached */
  async counts(): Promise<JobCounts> {
    const { client, queue } = await this.open()
    try {
      return await queue.getJobCounts('waiting', 'active', 'delayed', 'completed', 'failed')
    } catch (error) {
      throw redisError(error, addressOf(client))
    }
  }

  /** Serves what is under `BOARD_PATH`. */
  board(): Promise<Middleware> {
    this.making ??= this.makeBoard().catch(error => {
      this.making = undefined
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
      this.options.log.debug({ err: error }, 'the queue was not left cleanly')
    }
  }

  private open(): Promise<OpenQueue> {
    const { log, ...options } = this.options
    const onError = (error: Error) => log.debug({ err: error }, 'the queue cannot be shown')
    this.opening ??= openQueue(options, { ...options, onError }).catch(error => {
      this.opening = undefined
      throw error
    })
    return this.opening
  }

  private async makeBoard(): Promise<Middleware> {
    const { queue } = await this.open()
    const [{ createBullBoard }, { BullMQAdapter }, { KoaAdapter }] = await Promise.all([
      import('@bull-board/api'),
      import('@bull-board/api/bullMQAdapter'),
      import('@bull-board/koa'),
    ])
    const adapter = new BullMQAdapter(queue, BOARD_OPTIONS)
    // It knows workers by the names that BullMQ gives to connections, and ours have Lull's: it would say that there is none.
    adapter.getWorkers = async () => null
    if (!this.options.showTexts) adapter.setFormatter('data', withoutTexts)
    const serverAdapter = new KoaAdapter().setBasePath(BOARD_PATH)
    createBullBoard({ queues: [adapter], serverAdapter, options: { uiConfig: { boardTitle: 'Lull: queue' } } })
    const board = serverAdapter.registerPlugin()
    return async (ctx, next) => {
      await board(ctx, next)
      if (typeof ctx.body !== 'string') return
      const up = '../'.repeat(ctx.path.split('/').length - BOARD_PATH.split('/').length)
      const base = `<base href="${up}${BOARD_PATH.slice(1)}/"><script src="../page/board.js"></script>`
      ctx.body = ctx.body.replace(FONTS_ELSEWHERE, '').replace(ABSOLUTE_BASE, base)
    }
  }
}

/** A job's data is whatever stands in the queue. */
function withoutTexts(data: unknown): unknown {
  const parsed = jobData.safeParse(data)
  if (!parsed.success) return '(hidden)'
  const { text: _text, messages, ...batch } = parsed.data
  return { ...batch, messages: `${messages.length} (hidden)` }
}
