// Answers with the AI SDK (`npm install ai`). Both handlers begin while the person may still be writing, and show
// nothing before `commit()`.
//
//     import { openai } from '@ai-sdk/openai'
//     new Processor({ redis, answering: 'supersede', earlyStartMs: 2_000,
//       handle: streamingHandler({ model: openai('gpt-5-mini'), show }) })
import { generateText, streamText } from 'ai'

/**
 * For channels that can edit a message, such as Telegram.
 * @param show `show(batch, text)` sends the answer at its first call for a batch, and edits it from then on
 */
export const streamingHandler = ({ model, show, everyMs = 1000 }) =>
  async function handle(batch, { signal, commit }) {
    let failure
    const onError = ({ error }) => {
      failure = error
    }
    const { textStream } = streamText({ model, prompt: batch.text, abortSignal: signal, onError }) // begins now
    await commit() // before the first token is shown; the tokens so far wait in the stream
    let text = ''
    let shownAtMs = 0
    for await (const token of textStream) {
      text += token
      if (Date.now() - shownAtMs < everyMs) continue
      shownAtMs = Date.now()
      await show(batch, text)
    }
    // When the model fails or the signal is aborted, `textStream` ends without an error.
    if (failure) throw failure
    signal.throwIfAborted()
    await show(batch, text)
  }

/**
 * For channels that take whole messages, such as WhatsApp.
 * @param send `send(batch, text)` sends one message
 */
export const wholeHandler = ({ model, send }) =>
  async function handle(batch, { signal, commit }) {
    const { text } = await generateText({ model, prompt: batch.text, abortSignal: signal })
    await commit()
    await send(batch, text)
  }
