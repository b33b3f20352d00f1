// Lull's webhook as a serverless function (Vercel, Netlify, AWS Lambda …), and a cron job that hands batches over.
// The platform freezes an instance between two invocations, so Redis may have closed its connections meanwhile.
//
//     REDIS_URL, WHATSAPP_APP_SECRET, WHATSAPP_VERIFY_TOKEN, CRON_SECRET
import { Batcher, Processor, webhook } from 'lull'

const { REDIS_URL, WHATSAPP_APP_SECRET, WHATSAPP_VERIFY_TOKEN, CRON_SECRET } = process.env
const READY_TIMEOUT_MS = 5_000

// Outside of the handlers: an instance keeps its connections from one invocation to the next.
const batcher = new Batcher({ redis: REDIS_URL, quietGapMs: 10_000 })

const receive = webhook({
  batcher,
  providers: { meta: { appSecret: WHATSAPP_APP_SECRET, verifyToken: WHATSAPP_VERIFY_TOKEN } },
  readyTimeoutMs: READY_TIMEOUT_MS, // after a thaw: reconnect instead of 503
})

/** The webhook, where functions take a Request: Vercel, Netlify, Next.js, Deno, Bun. */
export const GET = receive
export const POST = receive

/** The webhook on AWS Lambda, behind a function URL or an HTTP API (payload format 2.0). */
export async function handler({ rawPath, rawQueryString, headers, body, isBase64Encoded, requestContext }) {
  const request = new Request(`https://${requestContext.domainName}${rawPath}?${rawQueryString}`, {
    method: requestContext.http.method,
    headers,
    // The signature covers the bytes: not a parsed body.
    body: body && Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'),
  })
  const response = await receive(request)
  return {
    statusCode: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.text(),
  }
}

// On the batcher's connections.
const processor = new Processor({
  store: batcher.store,
  async handle(batch, { signal, commit }) {
    const reply = await answer(batch, signal)
    await commit()
    await send(batch.chatId, reply)
  },
})

/** The cron job: hands over what is due. Not needed where a `lull processor` runs. */
export async function cron(request) {
  if (!CRON_SECRET || request.headers.get('authorization') !== `Bearer ${CRON_SECRET}`)
    return new Response(null, { status: 401 })
  await batcher.ready({ timeoutMs: READY_TIMEOUT_MS })
  await processor.claimOnce()
  return new Response(null, { status: 204 })
}

// Where the platform announces the end of an instance. Elsewhere Redis closes what is idle.
process.once('SIGTERM', async () => {
  await processor.stop({ timeoutMs: 300 })
  await batcher.close()
})

// In your bot: ask a model, and send by the provider's API.
const answer = async batch =>
  `I have read your ${batch.messages.length} messages: ${batch.text.replaceAll('\n', ' · ')}`
const send = async (chatId, reply) => console.log(`to ${chatId}: ${reply}`)
