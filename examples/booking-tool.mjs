// A model with a tool that books a table (`npm install ai zod`). A run that is superseded books nothing; a run that is
// repeated books once.
//
//     new Processor({ redis, answering: 'supersede', earlyStartMs: 2_000,
//       handle: bookingHandler({ model, bookings, send }) })
import { generateText, stepCountIs, tool } from 'ai'
import { z } from 'zod'

/**
 * @param bookings `bookings.book({ key, day, persons })` books a table, or returns the one that has this key
 * @param send `send(batch, text)` sends one message
 */
export const bookingHandler = ({ model, bookings, send }) =>
  async function handle(batch, { signal, commit }) {
    const book = tool({
      description: 'Books a table',
      inputSchema: z.object({ day: z.string(), persons: z.number() }),
      async execute({ day, persons }) {
        await commit() // a booking cannot be taken back
        return bookings.book({ key: batch.batchId, day, persons })
      },
    })
    const { text } = await generateText({
      model,
      prompt: batch.text,
      tools: { book },
      stopWhen: stepCountIs(5),
      abortSignal: signal,
    })
    await commit() // if the tool has committed, this resolves at once
    await send(batch, text)
  }
