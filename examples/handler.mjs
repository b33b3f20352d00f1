// A handler for `lull worker` and `lull up`: it does the work on each batch.
//
//     npx lull up --handler examples/handler.mjs
//
// If it resolves, the batch is answered and the conversation's next one may come. If it rejects, it is called again,
// three times in all.
export default async function handle(batch, { signal, commit, attempt, log }) {
  log.info({ batchId: batch.batchId, attempt }, `${batch.conversationId} said: ${batch.text.replaceAll('\n', ' · ')}`)

  const answer = await think(batch.text, signal)

  // `signal` is aborted when newer messages supersede the batch, when another worker may have it, when the answer
  // timeout is near, and when the program stops.
  signal.throwIfAborted()
  // Call it before the first thing that cannot be taken back. It resolves at once, unless LULL_ANSWERING=supersede.
  const { again } = await commit()
  // A batch is handed over at least once: an earlier run may have sent its answer. To send once, store the batchId.
  if (again) log.info({ batchId: batch.batchId }, 'an earlier run may have answered')
  log.info({ batchId: batch.batchId }, `here the bot would answer: ${answer}`)
}

/** In your bot: ask your model, and pass the signal on: `fetch(url, { signal })`. */
async function think(text, signal) {
  signal.throwIfAborted()
  const lines = text === '' ? 0 : text.split('\n').length
  return `Thanks, I have read all ${lines} of your messages.`
}
