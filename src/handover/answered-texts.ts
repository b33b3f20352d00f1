/**
 * Erases what people wrote from the jobs of answered batches. A job's id makes a repeated handover harmless; its data
 * does not. So the job stays, without its data, its options and its errors, and is small: Redis stores a hash without
 * long values in one piece.
 *
 *     completed                 erased a second later by the processor that handed the batch over, half a minute later
 *                               by any other one: many jobs a call
 *     skipped by its worker     kept, because a worker may get it again; erased once the store says that newer messages
 *                               have superseded the batch
 *     failed                    kept, because people try it again
 *     completed while no        found at the next start, or when the connection is back: from the newest completed job
 *     processor listened        towards older ones, until all that it sees are erased
 *
 * A script erases only a job that is completed at that moment. It does not touch one that was put back into the queue
 * or was added anew.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import type { Logger } from '../logger.js'
import { BoundedIds } from './bounded-ids.js'
import { SKIPPED_VALUE } from './job-states.js'

/** Jobs of this time are erased together. */
const SOON_MS = 1000
/** Grace period for the processor that handed the batch over. */
const LATER_MS = 30_000
/** A call takes Redis some 2 ms. */
const JOBS_A_CALL = 100
/** Each some 100 bytes of this process. */
const MOST_REMEMBERED = 100_000
const MOST_PENDING = 100_000
/** A search ends after so many pages of jobs without a text. */
const CLEAN_PAGES = 10
const PAUSE_MS = 5

const erased = z.object({ messages: z.number(), texts: z.literal('erased') })

/** Whether this is the data of a job that was erased. */
export const isErased = (data: unknown): boolean => erased.safeParse(data).success

/**
 * KEYS  1 the completed jobs, then the jobs
 * ARGV  for each job: its id, and 1 if it may be erased although its worker skipped it
 * Returns how many it has erased. What is longer than an erased job's data has texts. Each message has one
 * `receivedAtMs`.
 */
const ERASE = `#!lua flags=allow-oom
local call = redis.call
local LONGEST_ERASED = 64
local KEPT = { 'name', 'returnvalue', 'timestamp', 'processedOn', 'finishedOn', 'ats', 'atm', 'attemptsMade', 'stc', 'pb',
  'progress' }

local function erase(key, id, may_be_skipped)
  if call('HSTRLEN', key, 'data') <= LONGEST_ERASED or not call('ZSCORE', KEYS[1], id) then return 0 end
  local values = call('HMGET', key, 'data', unpack(KEPT))
  local data, name, result = values[1], values[2], values[3]
  local is_batch = name == 'batch' and string.sub(data, 1, 11) == '{"version":'
  if not is_batch or (result == '${SKIPPED_VALUE}' and not may_be_skipped) then return 0 end
  local messages, at = 0, 0
  repeat
    at = string.find(data, '"receivedAtMs":', at + 1, true)
    if at then messages = messages + 1 end
  until not at
  local fields = { 'data', '{"messages":' .. messages .. ',"texts":"erased"}' }
  for i, field in ipairs(KEPT) do
    local value = values[i + 1]
    if value then fields[#fields + 1], fields[#fields + 2] = field, value end
  end
  call('DEL', key)
  call('HSET', key, unpack(fields))
  return 1
end

local count = 0
for i = 2, #KEYS do
  count = count + erase(KEYS[i], ARGV[2 * i - 3], ARGV[2 * i - 2] == '1')
end
return count`

export class AnsweredTexts {
  private readonly ours = new BoundedIds(MOST_REMEMBERED)
  private readonly superseded = new BoundedIds(MOST_REMEMBERED)
  /** Whether it may be erased although its worker skipped it, by the job's id. */
  private readonly soon = new Map<string, boolean>()
  private readonly later = new Map<string, boolean>()
  private soonTimer: NodeJS.Timeout | undefined
  private laterTimer: NodeJS.Timeout | undefined
  private searching: Promise<void> | undefined
  private stopped = false

  constructor(
    private readonly queue: Pick<Queue, 'keys' | 'toKey'>,
    private readonly client: Redis,
    private readonly log: Logger,
  ) {}

  /** This process hands the batch over. */
  handingOver(batchId: string): void {
    this.ours.add(batchId)
  }

  /** A worker has completed the job. @param isSkipped it took the batch for superseded */
  completed(jobId: string, isSkipped: boolean): void {
    if (isSkipped && !this.superseded.remove(jobId)) return
    if (this.ours.remove(jobId) || isSkipped) this.eraseSoon(jobId, isSkipped)
    else this.eraseLater(jobId, isSkipped)
  }

  /** Newer messages have superseded the batch. @param isSkipped its worker has ended its job already */
  wasSuperseded(batchId: string, isSkipped: boolean): void {
    if (isSkipped) this.eraseSoon(batchId, true)
    else this.superseded.add(batchId)
  }

  /** Looks for jobs that were completed while nobody listened. Never rejects. */
  search(): Promise<void> {
    this.searching ??= this.searchAll().finally(() => {
      this.searching = undefined
    })
    return this.searching
  }

  /** Erases what it still has to. Never rejects. */
  async stop(): Promise<void> {
    this.stopped = true
    clearTimeout(this.soonTimer)
    clearTimeout(this.laterTimer)
    await this.searching
    await this.eraseAll(this.soon)
    await this.eraseAll(this.later)
  }

  private eraseSoon(jobId: string, maySkip: boolean): void {
    this.soon.set(jobId, maySkip)
    if (this.soon.size >= JOBS_A_CALL) void this.eraseAll(this.soon)
    else if (!this.stopped) this.soonTimer ??= setTimeout(() => void this.eraseAll(this.soon), SOON_MS)
  }

  /** Of those that are too many, most are erased by another processor. */
  private eraseLater(jobId: string, maySkip: boolean): void {
    if (this.later.size < MOST_PENDING) this.later.set(jobId, maySkip)
    if (!this.stopped) this.laterTimer ??= setTimeout(() => void this.eraseAll(this.later), LATER_MS)
  }

  /** Never rejects: what fails is tried again later. */
  private async eraseAll(pending: Map<string, boolean>): Promise<void> {
    if (pending === this.soon) this.soonTimer = this.cleared(this.soonTimer)
    else this.laterTimer = this.cleared(this.laterTimer)
    const jobs = [...pending]
    pending.clear()
    for (let i = 0; i < jobs.length; i += JOBS_A_CALL) {
      const part = jobs.slice(i, i + JOBS_A_CALL)
      try {
        await this.erase(part)
      } catch (error) {
        this.log.debug({ err: error }, 'the texts of answered batches could not be erased; trying again')
        for (const [jobId, maySkip] of part) this.eraseLater(jobId, maySkip)
      }
    }
  }

  private cleared(timer: NodeJS.Timeout | undefined): undefined {
    clearTimeout(timer)
    return undefined
  }

  private async searchAll(): Promise<void> {
    const completed = this.queue.keys['completed'] ?? ''
    try {
      for (let from = 0, clean = 0; clean < CLEAN_PAGES && !this.stopped; from += JOBS_A_CALL) {
        const ids = await this.client.zrevrange(completed, from, from + JOBS_A_CALL - 1)
        if (ids.length === 0) return
        const count = await this.erase(ids.map(id => [id, false]))
        clean = count === 0 ? clean + 1 : 0
        await delay(PAUSE_MS)
      }
    } catch (error) {
      this.log.debug({ err: error }, 'the search for the texts of answered batches was cut short')
    }
  }

  private async erase(jobs: [jobId: string, maySkip: boolean][]): Promise<number> {
    const keys = [this.queue.keys['completed'] ?? '', ...jobs.map(([jobId]) => this.queue.toKey(jobId))]
    const args = jobs.flatMap(([jobId, maySkip]) => [jobId, maySkip ? 1 : 0])
    return Number(await this.client.eval(ERASE, keys.length, ...keys, ...args))
  }
}
