/** An HTTP server on loopback that records the requests it gets, in place of a service that a program calls. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { z } from 'zod'
import { track } from './open.js'

export interface Recorded {
  method: string
  path: string
  headers: IncomingHttpHeaders
  /** Parsed JSON. */
  body: unknown
}

export interface RecordingServer {
  url: string
  requests: Recorded[]
  stop(): Promise<void>
}

/** @param answer responds to each request; by default `{}` */
export async function recordingServer(
  answer: (request: Recorded, response: ServerResponse) => unknown = (_, response) => response.end('{}'),
): Promise<RecordingServer> {
  const requests: Recorded[] = []
  const server = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request
    const hasBody = headers['content-length'] !== undefined && headers['content-length'] !== '0'
    const recorded = { method, path: url, headers, body: hasBody ? await json(request) : undefined }
    requests.push(recorded)
    await answer(recorded, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = z.object({ port: z.number() }).parse(server.address())
  const url = `http://127.0.0.1:${port}`
  const stop = async () => {
    forget()
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  const forget = track(`a recording server at ${url}`, stop)
  return { url, requests, stop }
}
