/** An HTTP server that listens, and stops without cutting off the requests that it is handling. */
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

export interface Listening {
  /** `http://127.0.0.1:3000`; for port 0, with the port that the system chose. */
  url: string
  /** Accepts no more connections, lets requests end within the bound, then cuts off the rest. May be called twice. */
  close(timeoutMs: number): Promise<void>
}

/** Bounds for slow clients: one that sends a byte a second would hold a connection for 5 minutes, Node's default. */
export interface SlowClientBounds {
  headWithinMs: number
  /** Head and body. */
  requestWithinMs: number
  /** How often the server checks both. */
  checkEveryMs: number
}

const SLOW_CLIENT_BOUNDS: SlowClientBounds = { headWithinMs: 10_000, requestWithinMs: 30_000, checkEveryMs: 5_000 }

/** Longer than the 60 s after which load balancers drop an idle connection, so that they end it and not this server. */
const KEEP_ALIVE_MS = 65_000

/**
 * A stop does not close idle connections at once, since a request may be on its way. For this long, and for no more
 * than this share of the stop's time, requests are still handled, and their responses announce `Connection: close`.
 */
const FAREWELL_MS = 500
const FAREWELL_SHARE = 0.1

/** @throws one line that names the setting, if the server cannot listen at the address */
export async function listen(
  handle: RequestListener,
  { host, port }: { host: string; port: number },
  slow = SLOW_CLIENT_BOUNDS,
): Promise<Listening> {
  let closing: Promise<void> | undefined
  const unfinished = new Set<ServerResponse>()
  const server = createServer(
    {
      headersTimeout: slow.headWithinMs,
      requestTimeout: slow.requestWithinMs,
      connectionsCheckingInterval: slow.checkEveryMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    (req, res) => {
      unfinished.add(res)
      if (closing) announceClose(res)
      res.once('close', () => {
        unfinished.delete(res)
        // A kept-alive connection would delay the stop until it times out.
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
    for (const res of unfinished) announceClose(res)
    const connections = await new Promise<number>(resolve => server.getConnections((_, count) => resolve(count ?? 0)))
    if (connections > 0) await delay(Math.min(FAREWELL_MS, timeoutMs * FAREWELL_SHARE))
    const closed = new Promise<void>(resolve => server.close(() => resolve()))
    // Browsers keep a spare connection. Node counts one that has sent nothing as a request in progress, and would wait
    // for it.
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
 * Announces that the connection ends with this response; otherwise the client would send its next request into a
 * closing connection. If the head has been sent already, the next response on that connection announces it.
 */
function announceClose(res: ServerResponse): void {
  if (!res.headersSent) res.setHeader('Connection', 'close')
}

function listening(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => reject(new Error(reasonOf(error, host, port), { cause: error }))
    server.once('error', onError)
    server.listen(port, host, () => {
      server.off('error', onError)
      const address = server.address()
      if (address === null || typeof address === 'string')
        reject(new Error(`HOST=${host} is not a network address: set HOST to one, 127.0.0.1 or 0.0.0.0 say`))
      else resolve(address)
    })
  })
}

function reasonOf({ code, message }: NodeJS.ErrnoException, host: string, port: number): string {
  switch (code) {
    case 'EADDRINUSE':
      return `PORT=${port} on HOST=${host} is taken by another program: stop it, or set PORT to another one`
    case 'EACCES':
      return `this user may not open PORT=${port}: set PORT to one above 1023`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `HOST=${host} is not an address of this machine: set HOST to one, 127.0.0.1 or 0.0.0.0 say`
    default:
      return `cannot listen on HOST=${host} PORT=${port}: ${message}`
  }
}
