/**
 * Guarantee **rolling upgrade**: processes of 0.1.0 and of this version run side by side on one Redis. One part after the
 * other is replaced while messages come in, there and back: each message is handed over once, in order.
 *
 * test/fixtures/releases/ has what 0.1.0 packed (commit 64c62d7), without types, source maps and the CommonJS build. It
 * runs on this checkout's packages.
 */
import { mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { z } from 'zod'
import { type LullProcess, lull, runCommand } from '../support/processes.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const TOKEN = 'a-token'
const CONVERSATIONS = ['anna', 'boris', 'clara', 'dmitri']
/** Messages of a burst, and the pauses after each and after the last. The second one is longer than the gap. */
const BURST = 4
const PAUSE_MS = 30
const REST_MS = 500
const GAP_MS = 300
/** Batches that are handed over between two changes. */
const BATCHES_A_STEP = 3

/** Appends each batch to a file, as one line. */
const HANDLER = `import { appendFileSync } from 'node:fs'
export default async function handle(batch, { commit }) {
  await commit()
  const ids = batch.messages.map(({ messageId }) => messageId)
  appendFileSync(process.env.HANDED_OVER, JSON.stringify({ chatId: batch.chatId, ids }) + '\\n')
}
`
const handedOver = z.object({ chatId: z.string(), ids: z.array(z.string()) })

const ROLES = ['api', 'processor', 'worker'] as const
type Role = (typeof ROLES)[number]
/** The path of a version's command; `undefined`: this checkout's. */
type Version = string | undefined

describe('a rolling upgrade', function () {
  this.timeout(300_000)
  let folder: string
  let old: string

  before(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'lull-upgrade-')))
    await runCommand('tar', ['-xzf', join(root, 'test/fixtures/releases/lull-0.1.0.tar.gz'), '-C', folder])
    await symlink(join(root, 'node_modules'), join(folder, 'package/node_modules'))
    old = join(folder, 'package/dist/esm/bin.js')
    expect((await runCommand(process.execPath, [old, '--version'])).trim()).to.equal('0.1.0')
    await writeFile(join(folder, 'handler.mjs'), HANDLER)
  })

  after(() => rm(folder, { recursive: true, force: true }))

  for (const { what, answering, versions } of [
    { what: 'there and back', answering: 'queue', versions: ['new', 'old'] },
    { what: 'with answers that are superseded', answering: 'supersede', versions: ['new'] },
  ])
    it(`from 0.1.0 to this version loses, repeats and reorders no message, ${what}`, async () => {
      const prefix = uniquePrefix()
      const file = join(folder, `${prefix}.jsonl`)
      const env = {
        REDIS_URL: await testRedis(),
        LULL_PREFIX: prefix,
        LULL_QUEUE: prefix,
        LULL_QUIET_GAP_MS: String(GAP_MS),
        LULL_ANSWERING: answering,
        LULL_WORKER_HANDLER: join(folder, 'handler.mjs'),
        LULL_API_TOKEN: TOKEN,
        PORT: '0',
        HANDED_OVER: file,
      }
      const batches = async () => {
        const text = await readFile(file, 'utf8').catch(() => '')
        return text
          .split('\n')
          .filter(line => line !== '')
          .map(line => handedOver.parse(JSON.parse(line)))
      }
      const more = async () => {
        const before = (await batches()).length
        await until(async () => (await batches()).length >= before + BATCHES_A_STEP, {
          timeoutMs: 60_000,
          what: () => `${BATCHES_A_STEP} batches after ${before}`,
        })
      }
      const start = async (role: Role, version: Version) => {
        const running = await lull([role], env, version === undefined ? {} : { bin: version })
        const ready = { api: /api listens on/, processor: /processor started/, worker: /worker takes batches/ }
        return { running, line: await running.line(ready[role], 60_000) }
      }
      const urlOf = (line: string) => /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0] ?? ''

      const running = new Map<Role, LullProcess>()
      let url = ''
      const replace = async (role: Role, version: Version) => {
        const next = await start(role, version)
        if (role === 'api') {
          url = urlOf(next.line)
          // Each sender has used the new address when two more batches of all have come.
          await more()
        }
        expect((await running.get(role)?.stop())?.code, `exit code of the ${role}`).to.equal(0)
        running.set(role, next.running)
        await more()
      }

      const sender = new AbortController()
      try {
        for (const role of ROLES) {
          const first = await start(role, old)
          if (role === 'api') url = urlOf(first.line)
          running.set(role, first.running)
        }
        const sending = CONVERSATIONS.map(chatId => send(chatId, () => url, sender.signal))
        await more()
        for (const version of versions)
          for (const role of ROLES) await replace(role, version === 'old' ? old : undefined)
        sender.abort()
        const sent = await Promise.all(sending)
        const arrived = async (chatId: string) =>
          (await batches()).filter(batch => batch.chatId === chatId).flatMap(({ ids }) => ids)
        await until(async () => (await batches()).flatMap(({ ids }) => ids).length >= sent.flat().length, {
          timeoutMs: 30_000,
          what: () => 'the last batches',
        })
        for (const [i, chatId] of CONVERSATIONS.entries()) expect(await arrived(chatId)).to.deep.equal(sent[i])
      } finally {
        sender.abort()
        for (const each of running.values()) await each.stop()
      }
    })
})

/** Sends bursts until the signal. Resolves to the ids that were accepted, in order. */
async function send(chatId: string, url: () => string, signal: AbortSignal): Promise<string[]> {
  const accepted: string[] = []
  for (let i = 1; !signal.aborted; i++) {
    const messageId = `${chatId}-${i}`
    const response = await fetch(`${url()}/conversations/${chatId}/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ messageId, text: messageId }),
    })
    expect(response.status, await response.text()).to.equal(200)
    accepted.push(messageId)
    await delay(i % BURST === 0 ? REST_MS : PAUSE_MS)
  }
  return accepted
}
