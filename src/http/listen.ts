/** The API's server: it listens, and stops without cutting off what it has begun to answer. */
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

export interface Listening {
  /** `http://127.0.0.1:3000`, with the port that was given out for port 0. */
  url: string
  /** Accepts no more, lets requests end within the bound, then cuts the rest off. May be called twice. */
  close(timeoutMs: number): Promise<void>
}

/**
 * A request's head and its body have to be there by then: a client that sends a byte a second would hold a connection
 * for Node's 5 minutes.
 */
export interface Patience {
  headWithinMs: number
  requestWithinMs: number
  /** How often that is looked at. */
  checkEveryMs: number
}

const PATIENCE: Patience = { headWithinMs: 10_000, requestWithinMs: 30_000, checkEveryMs: 5_000 }

/** Longer than the 60 s after which load balancers drop an idle connection: they must be the ones to end it. */
const KEEP_ALIVE_MS = 65_000

/**
 * At a stop an idle connection is not closed at once: a request may be on its way through it. For so long, and for no more
 * than this share of the stop's time, requests are taken and told that the connection ends with them.
 */
const FAREWELL_MS = 500
const FAREWELL_SHARE = 0.1

/** Rejects with one line that names the setting, where the address cannot be had. */
export async function listen(
  handle: RequestListener,
  { host, port }: { host: string; port: number },
  patience = PATIENCE,
): Promise<Listening> {
  let closing: Promise<void> | undefined
  const unanswered = new Set<ServerResponse>()
  const server = createServer(
    {
      headersTimeout: patience.headWithinMs,
      requestTimeout: patience.requestWithinMs,
      connectionsCheckingInterval: patience.checkEveryMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    (req, res) => {
      unanswered.add(res)
      if (closing) sayLast(res)
      res.once('close', () => {
        unanswered.delete(res)
        // A connection that stays open would hold up the stop for as long as it is kept alive.
        if (!server.listening) req.socket.end()
      })
      handle(req, res)
    },
  )
  const sockets = new Set<Socket>()
  server.on('connection', socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const address = await listening(server, host, port)
  const close = async (timeoutMs: number) => {
    for (const res of unanswered) sayLast(res)
    const connections = await new Promise<number>(resolve => server.getConnections((_, count) => resolve(count ?? 0)))
    if (connections > 0) await delay(Math.min(FAREWELL_MS, timeoutMs * FAREWELL_SHARE))
    const closed = new Promise<void>(resolve => server.close(() => resolve()))
    // Browsers keep a spare one. Node takes what has sent nothing for a request that is coming in, and would wait for it.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
    const cut = setTimeout(() => server.closeAllConnections(), timeoutMs * (1 - FAREWELL_SHARE))
    await closed
    clearTimeout(cut)
  }
  return {
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    close: timeoutMs => {
      closing ??= close(timeoutMs)
      return closing
    },
  }
}

/**
 * The connection ends with this answer, and its client is told so before: on one that it may keep it would send the next
 * request into its end. An answer whose head is out already leaves that to the next one.
 */
function sayLast(res: ServerResponse): void {
  if (!res.headersSent) res.setHeader('Connection', 'close')
}

function listening(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => reject(new Error(reasonOf(error, host, port), { cause: error }))
    server.once('error', onError)
    server.listen(port, host, () => {
      server.off('error', onError)
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error(`HOST=${host} is no network address`))
      else resolve(address)
    })
  })
}

function reasonOf({ code, message }: NodeJS.ErrnoException, host: string, port: number): string {
  switch (code) {
    case 'EADDRINUSE':
      return `PORT=${port} on HOST=${host} is taken by another program: stop it, or set PORT to another one`
    case 'EACCES':
      return `PORT=${port} may not be opened by this user: set PORT to one above 1023`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `HOST=${host} is no address of this machine: set HOST to one, 127.0.0.1 or 0.0.0.0 say`
    default:
      return `HOST=${host} PORT=${port} can not be listened on: ${message}`
  }
}
