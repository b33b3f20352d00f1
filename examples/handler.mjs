// A handler for `lull worker` and `lull up`: it does the work on each batch.
//
//     npx lull up --handler examples/handler.mjs
//
// If it resolves, the batch is answered and the conversation's next one may come. If it rejects, it is called again,
// three times in all.
export default async function handle(batch, { signal, attempt, log }) {
  // A batch is handed over at least once. To send a reply only once, store batch.batchId with it.
  log.info({ batchId: batch.batchId, attempt }, `${batch.conversationId} said: ${batch.text.replaceAll('\n', ' · ')}`)

  const answer = await think(batch.text, signal)

  // `signal` is aborted when another worker may have the batch, when the answer timeout is near, and when the program
  // stops. Check it before you do what cannot be undone.
  signal.throwIfAborted()
  log.info({ batchId: batch.batchId }, `here the bot would answer: ${answer}`)
}

/** In your bot: ask your model, and pass the signal on: `fetch(url, { signal })`. */
async function think(text, signal) {
  signal.throwIfAborted()
  const lines = text === '' ? 0 : text.split('\n').length
  return `Thanks, I have read all ${lines} of your messages.`
}
