/** Calls to the API, by addresses relative to the page's. */

const TIMEOUT_MS = 10_000

export class CallFailed extends Error {
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

/** @throws {CallFailed} with the API's own words; status 0 if there was no answer */
export async function call(method, path, body) {
  let response
  try {
    response = await fetch(path, {
      method,
      credentials: 'same-origin',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
  } catch (error) {
    throw new CallFailed(0, error.message)
  }
  const answer = await response.json().catch(() => ({}))
  if (!response.ok) throw new CallFailed(response.status, answer.error ?? `HTTP ${response.status}`)
  return answer
}

/** By `?id=` and not in the path, because some proxies refuse `%2F`. */
export const ofConversation = (what, id) => `conversations${what ? `/${what}` : ''}?id=${encodeURIComponent(id)}`
