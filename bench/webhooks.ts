/** The load on a webhook route: Meta's webhook of one text message, each with a new id. */
import autocannon from 'autocannon'
import { at } from './figures.js'
import { steadily } from './steady-load.js'

const CONNECTIONS = 32
/**
 * So many webhooks before a measurement: until V8 has compiled what is called often. By then one takes four fifths of the
 * CPU that it takes at first.
 */
export const WARM = 60_000
const PATH = '/webhook/whatsapp/batched/meta'

export type LoadOptions = { conversationOf: ConversationOf } & (
  | { seconds: number }
  | { amount: number }
  /** At even intervals. Without it: as fast as the connections are answered. */
  | { amount: number; perSecond: number }
)

/** The number of the conversation that a message goes to, by the message's own number in the load. */
export type ConversationOf = (message: number) => number

/** Messages go to so many conversations in turn. */
export const inTurn =
  (conversations: number): ConversationOf =>
  message =>
    message % conversations

/** `each` messages to each conversation: to `atOnce` of them in turn, then to the next ones. */
export const someAtOnce =
  (atOnce: number, each: number): ConversationOf =>
  message =>
    Math.floor(message / (atOnce * each)) * atOnce + (message % atOnce)

export interface Served {
  perSecond: number
  p99Ms: number
  failed: number
}

let messages = 0

export async function load(url: string, options: LoadOptions): Promise<Served> {
  const bodyOf = (message: number) => body(`7999${options.conversationOf(message)}`, `wamid.${++messages}`)
  return 'perSecond' in options ? evenly(url, options, bodyOf) : atFullSpeed(url, options, bodyOf)
}

async function evenly(
  url: string,
  { amount, perSecond }: { amount: number; perSecond: number },
  bodyOf: (message: number) => string,
): Promise<Served> {
  const startedAtMs = performance.now()
  const answered = await steadily({ url, path: PATH, connections: CONNECTIONS, perSecond, amount, bodyOf })
  const seconds = (performance.now() - startedAtMs) / 1000
  return {
    perSecond: amount / seconds,
    p99Ms: at(
      answered.map(({ tookMs }) => tookMs),
      0.99,
    ),
    failed: answered.filter(({ status }) => status !== 200).length,
  }
}

async function atFullSpeed(
  url: string,
  options: { seconds: number } | { amount: number },
  bodyOf: (message: number) => string,
): Promise<Served> {
  let sent = 0
  const result = await autocannon({
    url,
    connections: CONNECTIONS,
    ...('amount' in options ? { amount: options.amount } : { duration: options.seconds }),
    requests: [
      {
        method: 'POST',
        path: PATH,
        headers: { 'content-type': 'application/json' },
        setupRequest: request => ({ ...request, body: bodyOf(sent++) }),
      },
    ],
  })
  return {
    perSecond: result.requests.total / result.duration,
    p99Ms: result.latency.p99,
    failed: result.non2xx + result.errors,
  }
}

/** Meta’s webhook of one text message. */
export const body = (from: string, id: string) =>
  JSON.stringify({
    object: 'whatsapp_business_account',
    entry: [
      {
        id: '102290129340398',
        changes: [
          {
            field: 'messages',
            value: {
              messaging_product: 'whatsapp',
              metadata: { display_phone_number: '15550783881', phone_number_id: '106540352242922' },
              contacts: [{ profile: { name: 'Sheena Nelson' }, wa_id: from }],
              messages: [
                {
                  from,
                  id,
                  timestamp: String(Math.floor(Date.now() / 1000)),
                  type: 'text',
                  text: { body: 'x'.repeat(100) },
                },
              ],
            },
          },
        ],
      },
    ],
  })
