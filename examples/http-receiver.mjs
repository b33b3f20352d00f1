// Receives batches by HTTP instead of a queue. A server in any language can do the same.
//
//     export LULL_HANDOVER_SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
//     node examples/http-receiver.mjs
//     LULL_HANDOVER=http LULL_HANDOVER_URL=http://127.0.0.1:4000/batches npx lull up      # in another terminal
//
// There are two ways to answer. 200 or 204: the work is done. 202: the work has begun, and you report its end later; for
// that this example needs LULL_API_URL (http://127.0.0.1:3000) and LULL_API_TOKEN.
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'

const secret = process.env.LULL_HANDOVER_SECRET
const apiUrl = process.env.LULL_API_URL
const webhook = secret ? new Webhook(secret) : undefined

const server = createServer(async (request, response) => {
  // The signature covers the bytes of the body: verify it before you parse them.
  const body = await text(request)
  let batch
  try {
    batch = webhook ? webhook.verify(body, request.headers) : JSON.parse(body)
  } catch (error) {
    // Lull logs the 401 and tries again.
    response.writeHead(401).end(error.message)
    return
  }
  if (!apiUrl) {
    work(batch)
    response.writeHead(204).end()
    return
  }
  response.writeHead(202).end()
  work(batch)
  // Until this call the conversation's next batch waits, at most for LULL_ANSWER_TIMEOUT_MS.
  await answered(batch).catch(error => console.error(`batch ${batch.batchId} could not be answered: ${error.message}`))
})

function work(batch) {
  // A batch comes twice if our answer was lost. To do the work only once, store its batchId.
  console.log(`${batch.conversationId} said, in ${batch.messages.length} messages:\n${batch.text}`)
}

async function answered({ batchId }) {
  const answer = await fetch(new URL(`/batches/${encodeURIComponent(batchId)}/answered`, apiUrl), {
    method: 'POST',
    headers: { authorization: `Bearer ${process.env.LULL_API_TOKEN ?? ''}` },
  })
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
}

server.listen(Number(process.env.PORT ?? 4000), '127.0.0.1', () =>
  console.log(`waiting for batches at http://127.0.0.1:${server.address().port}/batches`),
)
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => server.close())
