/** Requests as bytes on a socket: what no HTTP client would send. */
import { connect } from 'node:net'

export interface RawResponse {
  status: number
  head: string
  body: string
}

/**
 * Sends `text` and resolves to the first response, without waiting for the end of the connection.
 * @throws if none comes within `timeoutMs`
 */
export function rawRequest(url: string, text: string, timeoutMs = 5000): Promise<RawResponse> {
  const { hostname, port } = new URL(url)
  const isHead = text.startsWith('HEAD ')
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = connect(Number(port), hostname, () => socket.write(text))
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`no response within ${timeoutMs} ms to ${JSON.stringify(text.slice(0, 200))}`))
    }, timeoutMs)
    const finish = (response: RawResponse) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(response)
    }
    socket.setEncoding('latin1')
    socket.on('data', data => {
      received += data
      const response = responseIn(received, isHead)
      if (response) finish(response)
    })
    socket.on('error', error => {
      clearTimeout(timer)
      reject(error)
    })
  })
}

/** `undefined` until all of it has come. */
function responseIn(text: string, isHead: boolean): RawResponse | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = text.slice(0, end)
  const body = text.slice(end + 4)
  const length = isHead ? 0 : Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0)
  if (body.length < length) return undefined
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]), head, body }
}

/** A request without its body, of which `length` bytes are announced. */
export const headOf = (path: string, headers: Record<string, string>, length = 1000): string =>
  [
    `POST ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Content-Type: application/json',
    `Content-Length: ${length}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '\r\n',
  ].join('\r\n')
