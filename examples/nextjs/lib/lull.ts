// Where all routes get Lull's batcher from. Nothing is opened at the import, so `next build` needs no Redis.
import { Batcher } from 'lull'

const newBatcher = () =>
  new Batcher({ redis: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379', prefix: 'nextjs-example', quietGapMs: 1000 })

// `next dev` loads a changed module again: one batcher for all.
const kept = globalThis as typeof globalThis & { lullBatcher?: Batcher }
kept.lullBatcher ??= newBatcher()

export const batcher = kept.lullBatcher
