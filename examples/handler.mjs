// A handler for `lull worker` and `lull up`: what is done with each batch. Name it and start:
//
//     LULL_WORKER_HANDLER=examples/handler.mjs npm start
//
// Resolves: answered, and the conversation's next batch may come. Rejects: tried again, three times in all.
export default async function handle(batch, { signal, attempt, log }) {
  // A batch is handed over at least once: if an answer must not go out twice, remember batch.batchId with it.
  log.info({ batchId: batch.batchId, attempt }, `${batch.conversationId} said: ${batch.text.replaceAll('\n', ' · ')}`)

  const answer = await think(batch.text, signal)

  // `signal` is aborted when somebody else may have the batch by now, when time is up, and when the program stops: look
  // at it once more before you do what can't be undone.
  signal.throwIfAborted()
  log.info({ batchId: batch.batchId }, `here the bot would answer: ${answer}`)
}

/** In your bot: ask your model, and give it the signal: `fetch(url, { signal })`. */
async function think(text, signal) {
  signal.throwIfAborted()
  const lines = text === '' ? 0 : text.split('\n').length
  return `Thanks, I have read all ${lines} of your messages.`
}
