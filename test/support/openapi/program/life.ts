/**
 * A program that a user could write with a client that was generated from `/openapi.json` (`api.ts`, which the test puts
 * beside this file): a conversation's whole life.
 */
import createClient, { type Client } from 'openapi-fetch'
import type { components, paths } from './api.js'

export type Lull = Client<paths>

export const clientOf = (baseUrl: string, token: string): Lull =>
  createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${token}` } })

/** Who gets the batches. */
export interface Receiver {
  /** The next batch. */
  next(): Promise<components['schemas']['Batch']>
  /** Answer 500 from now on, or 202. */
  refuse(isRefusing: boolean): void
}

const ID = 'shop/79990000012@c.us'
const path = { id: ID }

/** The data of a call that went well. */
async function ok<Data>(call: Promise<{ data?: Data; error?: unknown }>): Promise<Data> {
  const { data, error } = await call
  if (data === undefined) throw new Error(JSON.stringify(error))
  return data
}

export async function life(lull: Lull, receiver: Receiver) {
  await ok(lull.PUT('/settings/{scope}', { params: { path: { scope: 'shop' } }, body: { quietGapMs: 30_000 } }))
  const { holds } = await ok(lull.GET('/settings/{scope}', { params: { path: { scope: ID } } }))

  const appended = await ok(
    lull.POST('/conversations/{id}/messages', {
      params: { path },
      body: [
        { messageId: 'm1', text: 'hi' },
        { messageId: 'm2', text: 'a slow cake' },
      ],
    }),
  )
  const open = await ok(lull.GET('/conversations/{id}', { params: { path } }))
  const edited = await ok(
    lull.PUT('/conversations/{id}/messages/{messageId}', {
      params: { path: { ...path, messageId: 'm2' } },
      body: { text: 'a plain cake' },
    }),
  )
  const flushed = await ok(lull.POST('/conversations/flush', { params: { query: path } }))

  const { batchId, text } = await receiver.next()
  const ofBatch = { params: { path: { batchId } } }
  const committed = await ok(
    lull.POST('/batches/{batchId}/commit', { params: { path: { batchId }, query: { waitMs: 1000 } } }),
  )
  const answered = await ok(lull.POST('/batches/{batchId}/answered', { ...ofBatch, body: { outcome: 'completed' } }))
  const again = await lull.POST('/batches/{batchId}/commit', ofBatch)

  receiver.refuse(true)
  const body = { messageId: 'm3', text: 'for Sunday', rules: { flush: true } }
  await ok(lull.POST('/conversations/{id}/messages', { params: { path }, body }))
  const dead = await firstDead(lull)
  receiver.refuse(false)
  const redriven = await ok(lull.POST('/dead/{batchId}/redrive', { params: { path: { batchId: dead.batchId } } }))
  const { batchId: secondId } = await receiver.next()
  await ok(lull.POST('/batches/{batchId}/answered', { params: { path: { batchId: secondId } } }))

  const paused = await ok(
    lull.POST('/conversations/{id}/pause', { params: { path }, body: { forMs: 60_000, keep: 'collect' } }),
  )
  const whilePaused = await ok(lull.GET('/conversations/{id}', { params: { path } }))
  const resumed = await ok(lull.POST('/conversations/{id}/resume', { params: { path } }))
  const { lives } = await ok(lull.GET('/conversations/{id}/lives', { params: { path, query: { limit: 10 } } }))
  const forgotten = await ok(lull.POST('/conversations/{id}/forget', { params: { path } }))
  const { rules } = await ok(lull.DELETE('/settings/{scope}', { params: { path: { scope: 'shop' } } }))

  return {
    quietGap: holds.find(({ name }) => name === 'quietGapMs'),
    accepted: appended.accepted,
    waiting: open.waiting,
    edited: edited.result,
    flushed: flushed.count,
    text,
    committed: committed.go,
    freed: answered.freed,
    again: again.response.status,
    isAnswered:
      again.error !== undefined && 'error' in again.error && again.error.error.includes('is not being answered'),
    dead: dead.batch.messages.map(({ messageId }) => messageId),
    redriven: redriven.batchId === secondId,
    paused: paused.untilMs > 0 && whilePaused.paused?.keep,
    resumed: resumed.resumed,
    lives: lives.map(({ state }) => state),
    forgotten: forgotten.messages,
    rules,
  }
}

const TRIES = 400
const BETWEEN_MS = 50

async function firstDead(lull: Lull): Promise<components['schemas']['DeadBatch']> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const [first] = (await ok(lull.GET('/dead'))).dead
    if (first) return first
    await new Promise(resolve => setTimeout(resolve, BETWEEN_MS))
  }
  throw new Error('no batch is dead')
}
