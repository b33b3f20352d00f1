/** The names of scripts by their digests, which is all that Redis has of them: Lull's and BullMQ's. */
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { Redis } from 'ioredis'
import { z } from 'zod'
import { RulesInUse } from '../src/conversation-rules.js'
import { rulesFrom } from '../src/rules.js'
import { DEFAULT_PREFIX, Keys } from '../src/store/redis/keys.js'
import { luaSources, type ScriptName } from '../src/store/redis/lua.generated.js'
import { PARTITION, ScriptRunner, SHARDED, WHOLE } from '../src/store/redis/script-runner.js'

const digestOf = (lua: string) => createHash('sha1').update(lua).digest('hex')

export async function scriptNames(): Promise<Map<string, string>> {
  return new Map([...(await lullScripts()), ...bullmqScripts()])
}

/** A script's text depends on the store's layout, so the store itself makes it, for a client that sends nothing. */
async function lullScripts(): Promise<[digest: string, name: string][]> {
  const client = new Redis({ lazyConnect: true })
  const found: [string, string][] = []
  let running = ''
  client.defineCommand = (command, { lua }) => {
    found.push([digestOf(lua), running])
    Reflect.set(client, command, async () => {})
  }
  const rules = rulesFrom()
  for (const layout of [WHOLE, PARTITION, SHARDED]) {
    const inUse = new RulesInUse(rules)
    const runner = new ScriptRunner({ keys: new Keys(DEFAULT_PREFIX), rules, inUse, layout, server: { client, db: 0 } })
    for (running of Object.keys(luaSources)) await runner.run(running as ScriptName, [])
  }
  return found
}

const bullmqScript = z.object({ name: z.string(), content: z.string() })

/** BullMQ exports no names of its scripts. */
function bullmqScripts(): [digest: string, name: string][] {
  const all: Record<string, unknown> = createRequire(import.meta.url)('bullmq/dist/cjs/scripts/index.js')
  return Object.values(all).flatMap(script => {
    const { success, data } = bullmqScript.safeParse(script)
    return success ? [[digestOf(data.content), `BullMQ: ${data.name}`] as const] : []
  })
}
