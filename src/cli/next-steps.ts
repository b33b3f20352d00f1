/** The text that `lull up` prints once it runs: what to type next, and what that will show. */
import type { Config } from '../config.js'
import { providers } from '../providers/registry.js'
import { areSeeds, type RedisAddress } from '../store/redis/address.js'
import { isExposed } from '../webhook/exposure.js'

export interface NextSteps {
  config: Config
  /** Where the API listens. */
  url: string
  token: string
  /** The token was made for this run. Otherwise it is the user's own, and is not printed. */
  tokenIsMade: boolean
  /** Absent if messages are kept in memory. */
  redis?: RedisAddress
  /** Of the store; absent: none. */
  partitions?: number
}

const CHAT = '79990000011@c.us'
const TEXTS = ['hi', 'I would like to order', 'a cake', 'for Saturday']

export function nextSteps(steps: NextSteps): string {
  const url = reachable(steps.url)
  const authorization = `-H 'authorization: Bearer ${steps.tokenIsMade ? steps.token : '<LULL_API_TOKEN>'}'`
  return `
Lull is up at ${url}

Its page:   ${url}/${steps.tokenIsMade ? `?token=${steps.token}` : '   (it asks for LULL_API_TOKEN)'}

Four messages, a second apart:

  ${fourMessages(steps, url, authorization)}

${whatHappensNext(steps.config)}

What waits now:   curl -sS ${authorization} ${url}/conversations
Your provider's webhook:   ${url}/webhook/whatsapp/batched
${redisAtWork(steps)}Ctrl-C stops it.

`
}

/** The page's link with a token that replaces the printed one. */
export const newLink = (url: string, token: string): string =>
  `\nThe token was replaced. Lull's page:   ${reachable(url)}/?token=${token}\n\n`

/** Posts to the webhook if it takes unsigned messages, else to the conversation's own route with the token. */
function fourMessages({ config }: NextSteps, url: string, authorization: string): string {
  const isOpen = providers.mayComeUnsigned('generic', config.providers, !isExposed(config.api))
  const request = isOpen
    ? `${url}/webhook/whatsapp/batched/generic`
    : `${authorization} ${url}/conversations/${encodeURIComponent(CHAT)}/messages`
  // The time makes each id new: an id that Lull has seen before would be dropped as a repeated delivery.
  const body = `{\\"chatId\\":\\"${CHAT}\\",\\"messageId\\":\\"try-$(date +%s)\\",\\"text\\":\\"$text\\"}`
  const texts = TEXTS.map(text => `'${text}'`).join(' ')
  return `for text in ${texts}; do curl -sS ${request} -H 'content-type: application/json' -d "${body}"; echo; sleep 1; done`
}

function whatHappensNext({ batching, rules, handover, worker }: Config): string {
  const where =
    handover.queue === undefined
      ? handover.whatHappens
      : worker.handler
        ? `goes to ${worker.handler}`
        : 'is logged here'
  if (!batching) return `LULL_BATCHING is off: each message ${where} at once and alone.`
  const { quietGapMs, earlyStartMs } = rules
  const batch = `s after the last one, one batch with all four ${where}`
  if (earlyStartMs === 0) return `${quietGapMs / 1000} ${batch}.`
  return `${earlyStartMs / 1000} ${batch}; its answer may be sent ${quietGapMs / 1000} s after the last one.
A run that began in a pause before is superseded.`
}

/** How to see what is published, with a newline: with redis-cli if one shows all of it. Empty if nothing is. */
function redisAtWork({ redis, config, partitions = 1 }: NextSteps): string {
  if (!redis) return ''
  if (partitions > 1 || areSeeds(redis) || redis.sentinels) return 'Redis at work:   lull watch\n'
  const { path, host, port, db, tls } = redis
  const where = path ? `-s '${path}'` : `-h ${host} -p ${port}${tls ? ' --tls' : ''}`
  return `Redis at work:   redis-cli ${where}${db ? ` -n ${db}` : ''} psubscribe '${config.prefix}.*'\n`
}

/** Replaces the address of all interfaces, which clients cannot connect to, by loopback. */
const reachable = (url: string) => url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
