/**
 * The Redis of a test run: from a container engine if one answers, else a local binary, else one that the system's
 * package manager installs. Each step is printed.
 */
import { access } from 'node:fs/promises'
import { obtainValkey } from './obtain-valkey.js'
import { runCommand } from './processes.js'
import {
  findRedisBinary,
  hasContainerEngine,
  IMAGE,
  isNewEnough,
  OLDEST_MAJOR,
  type RedisServer,
  startLocalRedis,
  startRedisContainer,
} from './redis-servers.js'

/** `valkey`: a local one, of whatever version there is. */
export type RedisKind = 'container' | 'local' | 'valkey'

export interface ObtainedRedis {
  kind: RedisKind
  /** What runs, for people. */
  name: string
  /** The local binary, for the servers that tests start themselves. */
  binary?: string
  servers: RedisServer[]
}

/** The command that installs a Redis, by the machine's package manager. */
const REMEDIES = [
  ['/usr/bin/apt-get', 'sudo apt-get install -y redis-server'],
  ['/opt/homebrew/bin/brew', 'brew install redis'],
  ['/usr/local/bin/brew', 'brew install redis'],
  ['/usr/bin/dnf', 'sudo dnf install -y redis'],
  ['/usr/bin/pacman', 'sudo pacman -S valkey'],
  ['/usr/bin/zypper', 'sudo zypper install -y redis'],
  ['/sbin/apk', 'apk add redis'],
] as const

/**
 * @param count how many servers, all of one kind
 * @param only the kind to use, without falling back to another one
 * @throws one line with the command to run, if no Redis can be obtained
 */
export async function obtainRedis(
  say: (line: string) => void,
  count: number,
  only?: RedisKind,
): Promise<ObtainedRedis> {
  if (only !== 'local' && only !== 'valkey') {
    const first = await fromContainerEngine(say, only === 'container')
    if (first) {
      const others = await several(count - 1, startRedisContainer)
      return { kind: 'container', name: `a container of ${IMAGE}`, servers: [first, ...others] }
    }
  }
  const kind = only === 'valkey' ? 'valkey' : 'local'
  const binary = kind === 'valkey' ? await obtainValkey(say) : ((await usableBinary(say)) ?? (await installed(say)))
  const name = `${binary.path} ${binary.version}`
  say(`Redis for the tests: ${name}, ${count === 1 ? 'a process' : `${count} processes`} of its own`)
  return { kind, name, binary: binary.path, servers: await several(count, () => startLocalRedis(binary)) }
}

const several = (count: number, start: () => Promise<RedisServer>) =>
  Promise.all(Array.from({ length: count }, () => start()))

async function fromContainerEngine(say: (line: string) => void, required: boolean): Promise<RedisServer | undefined> {
  if (!(await hasContainerEngine())) {
    if (required) throw new Error('no container engine answers: start Docker, or set DOCKER_HOST')
    return undefined
  }
  say(`Redis for the tests: a container of ${IMAGE}; the first time its image is pulled …`)
  try {
    return await startRedisContainer()
  } catch (error) {
    const line = error instanceof Error ? error.message.split('\n')[0] : String(error)
    if (required) throw new Error(`the container engine gives no ${IMAGE}: ${line}`)
    say(`the container engine gives no ${IMAGE} (${line}); looking for a local Redis`)
    return undefined
  }
}

async function usableBinary(say: (line: string) => void) {
  const binary = await findRedisBinary()
  if (!binary || isNewEnough(binary)) return binary
  say(`${binary.path} is ${binary.version}, too old: Lull needs Redis ${OLDEST_MAJOR}`)
  return undefined
}

async function installed(say: (line: string) => void) {
  // The system's own package is already installed, and too old.
  if (await findRedisBinary()) throw new Error(TOO_OLD)
  if (process.getuid?.() !== 0 || !(await exists('/usr/bin/apt-get'))) throw new Error(await remedy())
  say('no Redis here: installing redis-server with apt-get …')
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  await runCommand('apt-get', ['update', '-q'], { env })
  await runCommand('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'redis-server'], { env })
  const binary = await usableBinary(say)
  if (!binary) throw new Error(TOO_OLD)
  return binary
}

const NEEDS = `the tests need Redis ${OLDEST_MAJOR} or later, or Docker`
const GUIDE = 'https://redis.io/docs/latest/operate/oss_and_stack/install/'
const TOO_OLD = `${NEEDS}, and this system's own Redis is older: start Docker, or see ${GUIDE}`

async function remedy(): Promise<string> {
  for (const [manager, command] of REMEDIES) if (await exists(manager)) return `${NEEDS}. Run: ${command}`
  return `${NEEDS}: see ${GUIDE}`
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
