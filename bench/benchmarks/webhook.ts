/** Lull's webhook route compared with a bare one that reads the same body and answers. */
import { apart } from '../cores.js'
import { figuresOf, median, type Result, Rows, ratio, shown } from '../figures.js'
import { BULLMQ, LULL } from '../peers/all.js'
import { Program } from '../programs.js'
import { pidOf, startRedis } from '../servers.js'
import { inTurn, load, WARM } from '../webhooks.js'
import { type Plan, turns } from './benchmark.js'

const BARE = 'bare Koa route'
const GAP_MS = 50_000
const CONVERSATION_OF = inTurn(5000)

export async function webhookBenchmark(plan: Plan): Promise<Result[]> {
  const names = [BARE, LULL, BULLMQ]
  const seconds = plan.quick ? 1 : 2
  const server = await startRedis()
  const programs = new Map([
    [BARE, await Program.route('bare', server.url, GAP_MS)],
    [LULL, await Program.lull('api', server.url, GAP_MS)],
    [BULLMQ, await Program.route('bullmq', server.url, GAP_MS)],
  ])
  const release = await apart(
    [...programs.values()].map(({ pid }) => pid),
    [await pidOf(server), process.pid],
  )
  for (const [name, { url }] of programs) {
    plan.say(`webhook, warming up: ${name}`)
    await load(url, { conversationOf: CONVERSATION_OF, amount: plan.quick ? WARM / 10 : WARM })
    await server.admin.flushall()
  }
  const rows = new Rows()
  for (let round = 0; round < plan.rounds; round++)
    for (const name of turns(names, round)) {
      const url = programs.get(name)?.url ?? ''
      plan.say(`webhook, round ${round + 1}: ${name}`)
      const full = await load(url, { conversationOf: CONVERSATION_OF, seconds })
      const perSecond = Math.round(full.perSecond / 2)
      const half = await load(url, { conversationOf: CONVERSATION_OF, amount: perSecond * seconds, perSecond })
      rows.add(name, { perSecond: full.perSecond, p99: half.p99Ms, failed: full.failed + half.failed })
      await server.admin.flushall()
    }
  await release()
  for (const program of programs.values()) await program.stop()
  await server.stop()
  rows.rows.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
  const share = ratio(rows.rows, LULL, BARE, 'perSecond')
  const failed = median(figuresOf(rows.rows, LULL, 'failed'))
  return [
    {
      id: 'webhook',
      title: 'Webhook route: requests a second',
      about:
        'One text message of Meta’s a request, 32 connections, one server process with a core of its own; the load generator and ' +
        'Redis share the others. p99 at half of the route’s own highest rate, at even intervals. Logs off.',
      columns: [
        { key: 'perSecond', title: 'requests a second', ratio: true },
        { key: 'p99', title: 'p99 at half of it, ms' },
        { key: 'failed', title: 'failed' },
      ],
      rows: rows.rows,
      against: BARE,
      aims: [
        { text: '≥ 0.6 of a bare route', found: `${shown(share, 2)}, ${shown(failed)} failed`, met: share >= 0.6 },
      ],
      draw: { key: 'perSecond', unit: 'requests a second' },
    },
  ]
}
