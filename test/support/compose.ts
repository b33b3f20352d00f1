/**
 * This checkout's docker-compose.yml on a real engine, under a project name of its own. It runs in a copy of the
 * checkout that only its owner can read, as `git clone` makes one under umask 077.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { runCommand } from './processes.js'
import { freePort } from './redis-servers.js'
import { until } from './wait.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Each look is a process. */
const POLL_MS = 500
const TOKEN = 'a-token'
const LOG_LINE = z.object({ msg: z.string(), conversationId: z.string().optional() })
const CONTAINER = z.object({ Name: z.string(), Service: z.string(), State: z.string(), ExitCode: z.number() })

export interface Stack {
  /** Runs `docker compose <args>` and resolves to its standard output. */
  compose(...args: string[]): Promise<string>
  /** Adds settings to those of `.env`, instead of what the last call added. */
  configure(settings: Record<string, string>): void
  /** `docker compose up`, until every container is healthy; rejects with the logs if one does not become so. */
  start(...args: string[]): Promise<void>
  /** Runs `lull <args>` in the API's container. */
  lull(...args: string[]): Promise<string>
  /** Appends messages through the API. As a provider does, it sends again what is answered 503. */
  append(conversationId: string, messageIds: string[]): Promise<void>
  /** What the workers logged about the batches of a conversation, as soon as there is something. */
  answered(conversationId: string): Promise<string[]>
  /** All containers, stopped ones too. */
  containers(): Promise<z.infer<typeof CONTAINER>[]>
  /** What docs/recipes/own-image.md says: the folder `bot` and an override for Compose, or neither. */
  ownImage(isUsed: boolean): void
  /** SIGKILL for the process in a container. */
  kill(container: string): Promise<void>
  /** Removes containers, volumes and the copy. */
  close(): Promise<void>
}

/** What keeps Compose from running here; `undefined`: nothing. */
export function noCompose(): string | undefined {
  if (spawnSync('docker', ['compose', 'version']).status !== 0) return 'docker compose is not installed'
  return spawnSync('docker', ['version']).status === 0 ? undefined : 'no container engine answers'
}

/** @param settings added to `.env` */
export async function prepareStack(settings: Record<string, string>): Promise<Stack> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'lull-compose-'))
  copyCheckout(folder)
  const env = { REDIS_PASSWORD: 'p w"d', LULL_API_TOKEN: TOKEN, PORT: String(port), ...settings }
  const configure = (more: Record<string, string>) => {
    const lines = Object.entries({ ...env, ...more }).map(([name, value]) => `${name}='${value}'\n`)
    writeFileSync(join(folder, '.env'), lines.join(''), { mode: 0o600 })
  }
  configure({})

  const compose = (...args: string[]) =>
    runCommand('docker', ['compose', ...args], { cwd: folder, env: withoutSettings() })
  const logs = async () => {
    const output = await compose('logs', '--no-log-prefix', '--no-color', 'worker')
    // Some versions of Compose print an escape sequence before each line.
    const objects = output.split('\n').flatMap(line => /\{.*\}$/.exec(line) ?? [])
    return objects.map(object => LOG_LINE.parse(JSON.parse(object)))
  }
  return {
    compose,
    configure,
    async start(...args) {
      try {
        await compose('up', '--detach', '--wait', ...args)
      } catch (error) {
        throw new Error(`${error}\n${await compose('logs', '--no-color', '--tail', '5')}`)
      }
    },
    lull: (...args) => compose('exec', '-T', 'api', 'lull', ...args),
    async append(conversationId, messageIds) {
      const url = `http://127.0.0.1:${port}/conversations/${encodeURIComponent(conversationId)}/messages`
      const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
      for (const messageId of messageIds) {
        const body = JSON.stringify({ messageId, text: messageId })
        const accepted = async () => {
          const response = await fetch(url, { method: 'POST', headers, body })
          const answer = await response.text()
          if (response.ok) return true
          if (response.status !== 503) throw new Error(`${url} answered ${response.status}: ${answer}`)
          await delay(POLL_MS)
          return false
        }
        await until(accepted, { what: `${url} to accept ${messageId}`, timeoutMs: 60_000 })
      }
    },
    async answered(conversationId) {
      const about = async () => {
        await delay(POLL_MS)
        const found = (await logs()).filter(line => line.msg.startsWith(`${conversationId}: `))
        return found.length > 0 && found.map(({ msg }) => msg)
      }
      return await until(about, { what: `the batch of ${conversationId} in the worker’s log`, timeoutMs: 60_000 })
    },
    async containers() {
      const output = await compose('ps', '--all', '--format', 'json')
      return output
        .trim()
        .split('\n')
        .map(line => CONTAINER.parse(JSON.parse(line)))
    },
    ownImage(isUsed) {
      const [bot, override] = [join(folder, 'bot'), join(folder, 'docker-compose.override.yml')]
      rmSync(bot, { recursive: true, force: true })
      rmSync(override, { force: true })
      if (!isUsed) return
      cpSync(join(folder, 'examples/own-image'), bot, { recursive: true })
      renameSync(join(bot, 'docker-compose.override.yml'), override)
    },
    async kill(container) {
      await runCommand('docker', ['kill', container], { env: withoutSettings() })
    },
    async close() {
      await compose('down', '--volumes', '--timeout', '5')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** What git tracks or would add, as it is now. */
function copyCheckout(folder: string): void {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root })
  for (const file of listed.toString().split('\0').filter(Boolean)) {
    const target = join(folder, file)
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 })
    cpSync(join(root, file), target)
    chmodSync(target, 0o600)
  }
}

/** Variables of the shell have precedence over `.env`. */
function withoutSettings(): NodeJS.ProcessEnv {
  const isOurs = (name: string) => /^(PATH|HOME|DOCKER_.*|COMPOSE_PARALLEL_LIMIT)$/.test(name)
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => isOurs(name)))
}
