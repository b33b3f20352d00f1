// Asks any server that speaks OpenAI's chat completions, with `fetch` alone.
//
//     new Processor({ redis, answering: 'supersede', earlyStartMs: 2_000,
//       handle: fetchHandler({ url: 'https://api.openai.com/v1', key, model: 'gpt-5-mini', send }) })

/** @param send `send(batch, text)` sends one message */
export const fetchHandler = ({ url, key, model, send }) =>
  async function handle(batch, { signal, commit }) {
    const response = await fetch(`${url}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: batch.text }] }),
      signal, // closes the connection when newer messages come
    })
    if (!response.ok) throw new Error(`the model answered ${response.status}: ${await response.text()}`)
    const { choices } = await response.json()
    await commit()
    await send(batch, choices[0].message.content)
  }
