/**
 * Connects a plain client to the node of a Cluster that serves a slot. The node is looked up at each connect, so a
 * client that reconnects follows its slot to the replica that took over, or to where the slot has moved. ioredis's
 * `Cluster` is not used: it follows `ASK`, and repeats commands whose reply was lost.
 *
 * Any node can answer the question, and a node that was cut off answers it wrongly. So each look-up begins with the next
 * node. Nodes that an answer names are asked as well from then on.
 */
import { connect as connectTcp, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { AbstractConnector, Redis, type RedisOptions } from 'ioredis'
import { type NodeAddress, slotRanges } from './slots.js'

/** A dead node costs so long; after it the next one is asked. */
const ANSWER_MS = 2000
/** A slot that moves, or a Cluster that has no primary for it, makes a client reconnect: not more often than this. */
const RECONNECT_MS = 200
/** As ioredis: a connection that does not close is destroyed after this. */
const DISCONNECT_MS = 2000
/** The message by which ioredis tells that the caller has closed the connection. */
const CLOSED = 'Connection is closed.'

/** The nodes that can be asked. All connectors of one source share them. */
export class KnownNodes {
  private readonly nodes = new Map<string, NodeAddress>()

  /** @param settings the client's options without an address: user, password, TLS, name */
  constructor(
    seeds: readonly NodeAddress[],
    readonly settings: RedisOptions,
  ) {
    this.add(seeds)
  }

  /** @throws the last error, if no node names an owner */
  async ownerOf(slot: number, signal: AbortSignal): Promise<NodeAddress> {
    let failure: unknown = new Error(`CLUSTERDOWN no node of the Cluster serves slot ${slot}`)
    for (const node of this.inTurn()) {
      signal.throwIfAborted()
      try {
        const ranges = await this.ask(node, signal)
        const owner = ranges.find(({ from, to }) => from <= slot && slot <= to)?.owner
        this.add(ranges.map(range => range.owner))
        if (owner) return owner
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }

  private add(nodes: readonly NodeAddress[]): void {
    for (const node of nodes) this.nodes.set(`${node.host}:${node.port}`, node)
  }

  /** All nodes. Who is asked goes to the end. */
  private *inTurn(): Generator<NodeAddress> {
    for (const [name, node] of [...this.nodes]) {
      this.nodes.delete(name)
      this.nodes.set(name, node)
      yield node
    }
  }

  private async ask(node: NodeAddress, signal: AbortSignal) {
    const client = new Redis({
      ...this.settings,
      ...node,
      lazyConnect: true,
      connectTimeout: ANSWER_MS,
      commandTimeout: ANSWER_MS,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      retryStrategy: null,
    })
    const end = () => client.disconnect()
    signal.addEventListener('abort', end)
    let failure: unknown
    client.on('error', error => {
      failure ??= error
    })
    try {
      await client.connect()
      return await slotRanges(client, node)
    } catch (error) {
      throw failure ?? error
    } finally {
      signal.removeEventListener('abort', end)
      client.disconnect()
    }
  }
}

/** ioredis's option `Connector` for a client of the node that serves `slot`. */
export function ownerConnector(slot: number, known: KnownNodes): NonNullable<RedisOptions['Connector']> {
  return class extends AbstractConnector {
    private attempt = new AbortController()
    private openedAtMs = Number.NEGATIVE_INFINITY

    /** @param options the client's. They get the address that it connects to, which `addressOf` shows */
    constructor(private readonly options: unknown) {
      super(DISCONNECT_MS)
    }

    override async connect() {
      this.attempt.abort()
      this.attempt = new AbortController()
      this.connecting = true
      this.stream = await this.open(this.attempt.signal)
      return this.stream
    }

    override disconnect(): void {
      // ioredis calls it for each of the replies that make it reconnect.
      if (this.attempt.signal.aborted) return
      this.attempt.abort()
      super.disconnect()
    }

    private async open(signal: AbortSignal) {
      try {
        await delay(Math.max(this.openedAtMs + RECONNECT_MS - performance.now(), 0), undefined, { signal })
        const owner = await known.ownerOf(slot, signal)
        signal.throwIfAborted()
        if (typeof this.options === 'object' && this.options !== null) Object.assign(this.options, owner)
        this.openedAtMs = performance.now()
        return this.streamTo(owner)
      } catch (error) {
        if (signal.aborted) throw new Error(CLOSED)
        return this.noStream(error)
      }
    }

    private streamTo({ host, port }: NodeAddress) {
      const { tls, family } = known.settings
      const to = { host, port, ...(family === undefined ? {} : { family }) }
      const stream = tls ? connectTls({ ...to, ...tls }) : connectTcp(to)
      stream.once('error', error => {
        this.firstError = error
      })
      return stream
    }

    /** If `connect` rejected, ioredis would not connect again. A stream that has ended is reported, and tried again. */
    private noStream(error: unknown) {
      this.firstError = error instanceof Error ? error : new Error(String(error))
      return new Socket().destroy()
    }
  }
}
