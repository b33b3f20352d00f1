/**
 * A loopback proxy that misbehaves on demand: it delays replies, loses replies (the requests are still carried out), or
 * lets nothing through.
 */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'

export class LoopbackProxy {
  private readonly server: Server
  private readonly pairs = new Set<{ near: Socket; far: Socket }>()
  private replyMs = 0
  private losing = false
  private refusing = false
  private next = 0

  /** @param targets ports behind the proxy, used in turn */
  private constructor(private readonly targets: number[]) {
    this.server = createServer({ noDelay: true }, near => this.accept(near))
  }

  static async to(...targets: number[]): Promise<LoopbackProxy> {
    const proxy = new LoopbackProxy(targets)
    proxy.server.listen(0, '127.0.0.1')
    await once(proxy.server, 'listening')
    return proxy
  }

  get port(): number {
    return z.object({ port: z.number() }).parse(this.server.address()).port
  }

  /** Delays every reply from now on, and keeps their order. */
  delay(replyMs: number): void {
    this.replyMs = replyMs
  }

  /** Lets requests through and drops their replies, until `heal` closes the connections. */
  loseReplies(): void {
    this.losing = true
  }

  /** Closes all connections, and each new one at once. */
  refuse(): void {
    this.refusing = true
    this.cut()
  }

  heal(): void {
    // A lost reply must stay lost: if it came now it would be taken for another request's.
    if (this.losing) this.cut()
    this.replyMs = 0
    this.losing = false
    this.refusing = false
  }

  async close(): Promise<void> {
    this.server.close()
    this.cut()
  }

  private cut(): void {
    for (const { near, far } of this.pairs) {
      near.destroy()
      far.destroy()
    }
  }

  private accept(near: Socket): void {
    if (this.refusing) {
      near.destroy()
      return
    }
    const port = this.targets[this.next++ % this.targets.length] ?? 0
    const far = connect({ port, host: '127.0.0.1', noDelay: true })
    const pair = { near, far }
    this.pairs.add(pair)
    const end = () => {
      near.destroy()
      far.destroy()
      this.pairs.delete(pair)
    }
    for (const socket of [near, far]) {
      // Expected. 'close' follows, and closes both sides.
      socket.on('error', () => {})
      socket.on('close', end)
    }
    near.on('data', data => void far.write(data))
    // One after the other, as TCP promises: two independent timers could swap their order.
    let sent = Promise.resolve()
    far.on('data', data => {
      if (this.losing) return
      const atMs = performance.now() + this.replyMs
      sent = sent.then(async () => {
        const waitMs = atMs - performance.now()
        if (waitMs > 0) await delay(waitMs)
        if (near.writable) near.write(data)
      })
    })
  }
}
