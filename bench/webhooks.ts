/** The load on a webhook route: Meta's webhook of one text message, each with a new id. */
import autocannon from 'autocannon'

const CONNECTIONS = 32

export interface LoadOptions {
  /** Messages go to so many conversations in turn. */
  conversations: number
  seconds?: number
  amount?: number
  perSecond?: number
}

export interface Served {
  perSecond: number
  p99Ms: number
  failed: number
}

let messages = 0

export async function load(url: string, { conversations, seconds, amount, perSecond }: LoadOptions): Promise<Served> {
  let sent = 0
  const result = await autocannon({
    url,
    connections: CONNECTIONS,
    ...(seconds === undefined ? {} : { duration: seconds }),
    ...(amount === undefined ? {} : { amount }),
    ...(perSecond === undefined ? {} : { overallRate: perSecond }),
    requests: [
      {
        method: 'POST',
        path: '/webhook/whatsapp/batched/meta',
        headers: { 'content-type': 'application/json' },
        setupRequest: request => ({ ...request, body: body(`7999${sent++ % conversations}`, `wamid.${++messages}`) }),
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
