/** What the Sentinels of a test, and the servers that they watch, say of their roles. */
import { z } from 'zod'
import type { RedisServer } from './redis-servers.js'
import { askPort, type TestNode } from './test-node.js'

export const NAME = 'mymaster'

/** Of `SENTINEL MASTER`, only what is read here. */
const view = z.object({
  port: z.coerce.number(),
  flags: z.string(),
  'num-slaves': z.coerce.number(),
  'num-other-sentinels': z.coerce.number(),
})
type View = z.infer<typeof view>

/** Undefined if the Sentinel is killed or frozen. */
async function viewOf({ port }: RedisServer): Promise<View | undefined> {
  let reply: unknown
  try {
    reply = await askPort(port, 'SENTINEL', 'MASTER', NAME)
  } catch {
    return undefined
  }
  const fields = z.array(z.string()).parse(reply)
  const pairs = fields.flatMap((field, i) => (i % 2 === 0 ? [[field, fields[i + 1]]] : []))
  return view.parse(Object.fromEntries(pairs))
}

const viewsOf = async (sentinels: RedisServer[]) =>
  (await Promise.all(sentinels.map(viewOf))).filter(one => one !== undefined)

/** The primary that all Sentinels name, if it is up and says so of itself. */
export async function primaryOf(nodes: TestNode[], sentinels: RedisServer[]): Promise<TestNode | undefined> {
  const ports = new Set((await viewsOf(sentinels)).map(({ port }) => port))
  const node = nodes.find(({ port, state }) => state === 'up' && ports.has(port))
  if (ports.size !== 1 || !node) return undefined
  return (await roleOf(node))?.role === 'master' ? node : undefined
}

/** What is not settled yet, in words; undefined: nothing. */
export async function problemOf(nodes: TestNode[], sentinels: RedisServer[]): Promise<string | undefined> {
  const views = await viewsOf(sentinels)
  const primary = await primaryOf(nodes, sentinels)
  if (!primary) return 'there is no primary that all Sentinels name'
  for (const one of views) {
    if (one.flags !== 'master') return `a Sentinel says of the primary: ${one.flags}`
    if (one['num-other-sentinels'] < sentinels.length - 1) return 'a Sentinel does not know the others'
    if (one['num-slaves'] < nodes.length - 1) return 'a Sentinel does not know the replicas'
  }
  for (const node of nodes) {
    if (node === primary || node.state !== 'up') continue
    const { role, of, link } = (await roleOf(node)) ?? {}
    if (role !== 'slave' || of !== primary.port) return `${node.url} is no replica of ${primary.url}`
    if (link !== 'connected') return `the replica ${node.url} is ${link}`
  }
  return undefined
}

const role = z.union([
  z.tuple([z.literal('master')], z.unknown()),
  z.tuple([z.literal('slave'), z.string(), z.number(), z.string()], z.unknown()),
])

/** Undefined while the role changes: a server then closes its connections. */
async function roleOf(node: TestNode) {
  let reply: unknown
  try {
    reply = await node.ask('ROLE')
  } catch {
    return undefined
  }
  const [name, , of, link] = role.parse(reply)
  return { role: name, of, link }
}
