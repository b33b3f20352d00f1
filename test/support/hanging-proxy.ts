/** A proxy in front of a Redis that can hang: it keeps and accepts connections, and lets nothing through. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { z } from 'zod'
import { track } from './open.js'

export interface HangingProxy {
  url: string
  /** Holds back everything, in both directions. */
  hang(): void
  /** Sends on what was held back. */
  goOn(): void
  /** The connections of now stay open, and nothing comes through them any more. New ones work. */
  silence(): void
  /** Sends new connections to another server; existing ones stay, as after a failover by DNS name. */
  pointAt(url: string): void
  stop(): Promise<void>
}

export async function hangingProxy(targetUrl: string): Promise<HangingProxy> {
  let target = new URL(targetUrl)
  const sockets = new Set<Socket>()
  let hangs = false
  const server = createServer(socket => {
    const upstream = connect(Number(target.port), target.hostname)
    const both = [socket, upstream]
    for (const [from, to] of [both, both.toReversed()] as [Socket, Socket][]) {
      sockets.add(from)
      from.on('data', chunk => to.write(chunk))
      from.on('error', () => {}) // Its 'close' follows.
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      if (hangs) from.pause()
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = z.object({ port: z.number() }).parse(server.address())
  const stop = async () => {
    forget()
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  }
  const forget = track(`a proxy in front of ${targetUrl}`, stop)
  return {
    url: `redis://127.0.0.1:${port}`,
    hang() {
      hangs = true
      for (const socket of sockets) socket.pause()
    },
    goOn() {
      hangs = false
      for (const socket of sockets) socket.resume()
    },
    silence() {
      for (const socket of sockets) socket.pause()
    },
    pointAt(url) {
      target = new URL(url)
    },
    stop,
  }
}
