// A handler that needs a package of its own: a model that cannot be reached is asked again.
import pRetry from 'p-retry'

export default async function handle(batch, { signal, commit, log }) {
  const answer = await pRetry(() => think(batch.text), { retries: 3, signal })
  await commit()
  log.info({ batchId: batch.batchId }, `${batch.conversationId}: here the bot would answer: ${answer}`)
}

/** In your bot: ask your model. */
async function think(text) {
  return `I have read “${text.replaceAll('\n', ' · ')}”`
}
