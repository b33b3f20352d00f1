// Shows “typing…” in WhatsApp while a batch is being answered, whatever the handler is.
//
//     new Processor({ redis, handle: withTyping(metaTyping({ token: process.env.WHATSAPP_TOKEN }), handle) })

/**
 * A handler that shows the indicator from its beginning until its answer may be sent.
 * @param typing `show(batch, { signal })` shows it for a while. `hide(batch)`, if there is one, ends it
 * @param everyMs it is shown again this often: less than `show` lasts
 */
export const withTyping = ({ show, hide }, handle, { everyMs = 20_000 } = {}) =>
  async function handleTyping(batch, context) {
    const typing = new AbortController()
    // An indicator that cannot be shown is no reason not to answer.
    const ignore = error => {
      if (!typing.signal.aborted) context.log.warn({ batchId: batch.batchId }, `no typing indicator: ${error.message}`)
    }
    const showAgain = () => show(batch, { signal: typing.signal }).catch(ignore)
    showAgain()
    const timer = setInterval(showAgain, everyMs)
    const end = async () => {
      if (typing.signal.aborted) return
      clearInterval(timer)
      typing.abort()
      await hide?.(batch).catch(error => context.log.warn({ batchId: batch.batchId }, error.message))
    }
    const commit = async () => {
      const granted = await context.commit()
      // The answer follows: an indicator that comes after it would stay.
      await end()
      return granted
    }
    try {
      return await handle(batch, { ...context, commit })
    } finally {
      await end()
    }
  }

/** Meta Cloud API: by the id of the last message, which it marks as read. Lasts 25 s, or until the answer comes. */
export const metaTyping = ({ token, url = 'https://graph.facebook.com/v23.0' }) => ({
  show: ({ account, messages }, { signal }) =>
    post(`${url}/${account}/messages`, {
      signal,
      headers: { authorization: `Bearer ${token}` },
      body: {
        messaging_product: 'whatsapp',
        status: 'read',
        message_id: messages.at(-1).messageId,
        typing_indicator: { type: 'text' },
      },
    }),
})

/** WAHA. `account` is the session. */
export const wahaTyping = ({ url, apiKey }) => {
  const call = (path, { account, chatId }, options) =>
    post(`${url}/api/${path}`, {
      ...options,
      headers: { 'x-api-key': apiKey },
      body: { session: account, chatId },
    })
  return {
    show: (batch, { signal }) => call('startTyping', batch, { signal }),
    hide: batch => call('stopTyping', batch),
  }
}

/** Evolution API. `account` is the instance. */
export const evolutionTyping = ({ url, apiKey, forMs = 20_000 }) => ({
  show: ({ account, chatId }, { signal }) =>
    post(`${url}/chat/sendPresence/${encodeURIComponent(account)}`, {
      signal,
      headers: { apikey: apiKey },
      body: { number: chatId.replace(/@c\.us$/, ''), presence: 'composing', delay: forMs },
    }),
})

/** Green-API. `account` is the instance's id. It takes 1 to 20 s. */
export const greenApiTyping = ({ url = 'https://api.green-api.com', token, forMs = 20_000 }) => ({
  show: ({ account, chatId }, { signal }) =>
    post(`${url}/waInstance${account}/sendTyping/${token}`, { signal, body: { chatId, typingTime: forMs } }),
})

async function post(url, { signal = AbortSignal.timeout(10_000), headers, body }) {
  const response = await fetch(url, {
    method: 'POST',
    signal,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  await response.body?.cancel()
  // Without the address: it may contain a token.
  if (!response.ok) throw new Error(`the typing indicator was answered ${response.status}`)
}
