/**
 * The port that a server announces, in front of its own one. Clients pass through unchanged. A replica is known by its
 * handshake, and can be delayed or cut off without a right of the system that tests do not have. What was not passed on
 * is lost with the server, as in the death of a machine; a killed process alone would still send what it has written.
 */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** A replica sends this within the first bytes of its connection. */
const HANDSHAKE = /REPLCONF\r\n\$14\r\nlistening-port\r\n\$\d+\r\n(\d+)/i
const HANDSHAKE_BYTES = 2048

/** One direction of a connection: what was read, in order, until it may be written. */
interface Direction {
  held: { data: Buffer | string; readMs: number }[]
  to: Socket
  /** Only what the server sends to a replica. */
  mayLag: boolean
}

interface Passage {
  /** The port of the replica, or undefined for a client. */
  replica: number | undefined
  beginning: string
  near: Socket
  far: Socket
  requests: Direction
  replies: Direction
}

export class ReplicationProxy {
  private server: Server | undefined
  private readonly passages = new Set<Passage>()
  private readonly lagMs = new Map<number, number>()
  private readonly cut = new Set<number>()

  /** @param target the port of the server, which may be known later than that of the proxy */
  constructor(
    readonly port: number,
    private readonly target: () => number,
  ) {}

  async open(): Promise<void> {
    if (this.server) return
    this.server = createServer({ noDelay: true }, near => this.accept(near))
    await once(this.server.listen(this.port, '127.0.0.1'), 'listening')
  }

  /** Closes all connections, and refuses new ones, until `open`. May be called twice. */
  async close(): Promise<void> {
    const { server } = this
    this.server = undefined
    for (const { near, far } of this.passages) {
      near.destroy()
      far.destroy()
    }
    if (server) await new Promise(resolve => server.close(resolve))
  }

  /** Delays what the server sends to a replica. @param lagMs 0: no longer */
  lag(replica: number, lagMs: number): void {
    this.lagMs.set(replica, lagMs)
    this.passAll()
  }

  /** Passes on nothing between the server and a replica, in both directions, and keeps their connection. */
  cutOff(replica: number): void {
    this.cut.add(replica)
  }

  reconnect(replica: number): void {
    this.cut.delete(replica)
    this.passAll()
  }

  private passAll(): void {
    for (const passage of this.passages) {
      this.pass(passage, passage.requests)
      this.pass(passage, passage.replies)
    }
  }

  private accept(near: Socket): void {
    const far = connect({ port: this.target(), host: '127.0.0.1', noDelay: true })
    const passage: Passage = {
      ...{ replica: undefined, beginning: '', near, far },
      requests: { held: [], to: far, mayLag: false },
      replies: { held: [], to: near, mayLag: true },
    }
    this.passages.add(passage)
    for (const socket of [near, far]) {
      socket.on('error', () => {}) // Its 'close' follows.
      socket.on('close', () => {
        this.passages.delete(passage)
        near.destroy()
        far.destroy()
      })
    }
    near.on('data', data => {
      recognise(passage, data)
      this.hold(passage, passage.requests, data)
    })
    far.on('data', data => this.hold(passage, passage.replies, data))
  }

  private hold(passage: Passage, direction: Direction, data: Buffer | string): void {
    direction.held.push({ data, readMs: performance.now() })
    if (direction.held.length === 1) this.pass(passage, direction)
  }

  private pass(passage: Passage, direction: Direction): void {
    const { held, to, mayLag } = direction
    const { replica = 0 } = passage
    const lagMs = mayLag ? (this.lagMs.get(replica) ?? 0) : 0
    for (let first = held[0]; first; first = held[0]) {
      if (this.cut.has(replica) || to.destroyed) return
      const waitMs = first.readMs + lagMs - performance.now()
      if (waitMs > 0) {
        setTimeout(() => this.pass(passage, direction), waitMs).unref()
        return
      }
      held.shift()
      to.write(first.data)
    }
  }
}

function recognise(passage: Passage, data: Buffer | string): void {
  if (passage.replica !== undefined || passage.beginning.length > HANDSHAKE_BYTES) return
  passage.beginning += Buffer.from(data).toString('latin1')
  const port = HANDSHAKE.exec(passage.beginning)?.[1]
  if (port !== undefined) passage.replica = Number(port)
}
