/** The memory in Redis of an open conversation with four messages. */
import { Child, replies } from '../children.js'
import { type Result, Rows, ratio, shown } from '../figures.js'
import { BULLMQ, LULL, RPUSH } from '../peers/all.js'
import { startRedis } from '../servers.js'
import { HOUR_MS, type Plan, settingsFor, turns } from './benchmark.js'

const MESSAGES = 4
const IN_FLIGHT = 256

export async function memoryBenchmark(plan: Plan): Promise<Result[]> {
  const names = [RPUSH, LULL, BULLMQ]
  const conversations = plan.quick ? 1000 : 5000
  const rows = new Rows()
  const server = await startRedis()
  const used = async () => Number(/^used_memory:(\d+)/m.exec(await server.admin.info('memory'))?.[1])
  for (let round = 0; round < plan.rounds; round++)
    for (const name of turns(names, round)) {
      plan.say(`memory, round ${round + 1}: ${name}`)
      const child = await Child.start('producer', name, settingsFor(server.url, { gapMs: HOUR_MS }))
      const before = await used()
      const count = conversations * MESSAGES
      await child.ask({ kind: 'flood', prefix: 'c', count, conversations, inFlight: IN_FLIGHT }, replies.figure)
      rows.add(name, { bytes: ((await used()) - before) / conversations })
      await child.stop()
      await server.admin.flushall()
    }
  await server.stop()
  rows.rows.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
  const share = ratio(rows.rows, LULL, BULLMQ, 'bytes')
  return [
    {
      id: 'memory',
      title: 'Memory: an open conversation of four messages of 100 bytes',
      about:
        `${shown(conversations)} conversations; \`used_memory\` before and after. RPUSH stores only the texts. ` +
        'Lull’s figure includes the history (at most about 10,000 entries, however many conversations there are).',
      columns: [{ key: 'bytes', title: 'bytes a conversation', ratio: true }],
      rows: rows.rows,
      against: BULLMQ,
      aims: [{ text: 'less than BullMQ + list', found: shown(share, 2), met: share < 1 }],
      draw: { key: 'bytes', unit: 'bytes' },
    },
  ]
}
