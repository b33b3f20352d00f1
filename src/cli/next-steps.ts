/** What `lull up` prints when it stands: what to type next, and what will be seen. */
import type { RedisOptions } from 'ioredis'
import type { Config } from '../config.js'
import { providers } from '../providers/registry.js'

export interface NextSteps {
  config: Config
  /** Where the API listens. */
  url: string
  token: string
  /** It was made for this run; else it is the user's own, and not to be printed. */
  tokenIsMade: boolean
  /** Absent: embedded. */
  redis?: RedisOptions
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

${whatWillBeSeen(steps.config)}

What waits now:   curl -sS ${authorization} ${url}/conversations
Your provider's webhook:   ${url}/webhook/whatsapp/batched
${steps.redis ? `Redis at work:   redis-cli ${redisCli(steps.redis)} psubscribe '${steps.config.prefix}.*'\n` : ''}Ctrl-C stops it.

`
}

/** The webhook where it takes unsigned messages; else the conversation's own route, which takes the token. */
function fourMessages({ config }: NextSteps, url: string, authorization: string): string {
  const isOpen = providers.mayComeUnsigned('generic', config.providers)
  const request = isOpen
    ? `${url}/webhook/whatsapp/batched/generic`
    : `${authorization} ${url}/conversations/${encodeURIComponent(CHAT)}/messages`
  // An id of the second: one that Lull has seen before would be taken for a repeated delivery.
  const body = `{\\"chatId\\":\\"${CHAT}\\",\\"messageId\\":\\"try-$(date +%s)\\",\\"text\\":\\"$text\\"}`
  const texts = TEXTS.map(text => `'${text}'`).join(' ')
  return `for text in ${texts}; do curl -sS ${request} -H 'content-type: application/json' -d "${body}"; echo; sleep 1; done`
}

function whatWillBeSeen({ batching, rules, handover, worker }: Config): string {
  const where =
    handover.queue === undefined
      ? handover.whatHappens
      : worker.handler
        ? `goes to ${worker.handler}`
        : 'is logged here'
  return batching
    ? `${rules.quietGapMs / 1000} s after the last one, one batch of the four ${where}.`
    : `LULL_BATCHING is off: each of them ${where} at once, alone.`
}

const redisCli = ({ path, host, port, db, tls }: RedisOptions) =>
  (path ? `-s '${path}'` : `-h ${host} -p ${port}${tls ? ' --tls' : ''}`) + (db ? ` -n ${db}` : '')

/** An address that stands for all of a machine's is listened on, and not connected to. */
const reachable = (url: string) => url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
