// Receives batches by HTTP instead of a queue. A server in any language can do the same.
//
//     npm i standardwebhooks
//     export LULL_HANDOVER_SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
//     node examples/http-receiver.mjs
//     LULL_HANDOVER=http LULL_HANDOVER_URL=http://127.0.0.1:4000/batches npx lull up      # in another terminal
//
// There are two ways to answer. 200 or 204: the work is done. 202: the work has begun; you ask before you send whether
// newer messages have superseded the batch (with LULL_ANSWERING=supersede), and report the end. For that this example
// needs LULL_API_URL (http://127.0.0.1:3000) and LULL_API_TOKEN.
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
    send(batch, work(batch))
    response.writeHead(204).end()
    return
  }
  response.writeHead(202).end()
  await answer(batch).catch(error => console.error(`batch ${batch.batchId} could not be answered: ${error.message}`))
})

async function answer(batch) {
  const reply = work(batch)
  if (!(await commit(batch))) return
  send(batch, reply)
  // Until this call the conversation's next batch waits, at most for LULL_ANSWER_TIMEOUT_MS.
  const { ok, status, text } = await post(batch, 'answered')
  if (!ok) throw new Error(`${status} ${text}`)
}

/** May the answer be sent? Waits while the person may still be writing. */
async function commit(batch) {
  for (;;) {
    const { ok, status, text } = await post(batch, 'commit?waitMs=60000')
    if (ok) return true
    // Newer messages came, or the batch is answered already.
    if (status === 409 || status === 410) return false
    if (status !== 425) throw new Error(`${status} ${text}`)
  }
}

async function post({ batchId }, what) {
  const response = await fetch(new URL(`/batches/${encodeURIComponent(batchId)}/${what}`, apiUrl), {
    method: 'POST',
    headers: { authorization: `Bearer ${process.env.LULL_API_TOKEN ?? ''}` },
  })
  const { ok, status } = response
  return { ok, status, text: await response.text() }
}

/** The slow part: ask a model. */
function work(batch) {
  return `${batch.conversationId} said, in ${batch.messages.length} messages:\n${batch.text}`
}

function send(_batch, reply) {
  // A batch comes twice if our answer was lost. To send only once, store its batchId.
  console.log(reply)
}

server.listen(Number(process.env.PORT ?? 4000), '127.0.0.1', () =>
  console.log(`waiting for batches at http://127.0.0.1:${server.address().port}/batches`),
)
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => server.close())
