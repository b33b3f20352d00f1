/**
 * graphile-worker on PostgreSQL: `job_key` in `replace` mode with an array payload, which it merges
 * (https://worker.graphile.org/docs/job-key). It polls for due jobs: every 2 s by default, every 100 ms here, in its
 * favour.
 */
import { Logger, makeWorkerUtils, run } from 'graphile-worker'
import pg from 'pg'
import { z } from 'zod'
import type { Peer } from './peer.js'

const POLL_MS = 100
const CONNECTIONS = 24
/** Off, like the logs of all peers. */
const logger = new Logger(() => () => {})
const payloadShape = z.array(z.object({ conversation: z.string(), text: z.string() }))
const pool = (connectionString = '') => new pg.Pool({ connectionString, max: CONNECTIONS })

export const graphile: Peer = {
  async produce({ postgres, gapMs }) {
    const pgPool = pool(postgres)
    const utils = await makeWorkerUtils({ pgPool, logger })
    await utils.migrate()
    return {
      append: (conversation, _messageId, text) =>
        utils.addJob('flush', [{ conversation, text }], {
          jobKey: conversation,
          jobKeyMode: 'replace',
          runAt: new Date(Date.now() + gapMs),
        }),
      async close() {
        await utils.release()
        await pgPool.end()
      },
    }
  },
  async consume({ postgres }, onBatch) {
    const pgPool = pool(postgres)
    const runner = await run({
      pgPool,
      logger,
      concurrency: CONNECTIONS,
      pollInterval: POLL_MS,
      noHandleSignals: true,
      taskList: {
        async flush(payload) {
          const messages = payloadShape.parse(payload)
          const conversation = messages[0]?.conversation ?? ''
          await onBatch(
            conversation,
            messages.map(({ text }) => text),
          )
        },
      },
    })
    return {
      async close() {
        await runner.stop()
        await pgPool.end()
      },
    }
  },
}
