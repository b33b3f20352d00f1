/**
 * Requests at even intervals, whether the earlier ones have been answered or not (open loop). autocannon's own rate is
 * not even: each of its connections asks as fast as it can until it has asked its share of a second, and then rests.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

const TICK_MS = 1
const END_OF_HEAD = '\r\n\r\n'

export interface Answered {
  status: number
  /** From the time at which the request was to be sent. */
  tookMs: number
}

export interface SteadyLoad {
  url: string
  path: string
  connections: number
  perSecond: number
  amount: number
  bodyOf(request: number): string
}

export async function steadily({ url, path, connections, perSecond, amount, bodyOf }: SteadyLoad): Promise<Answered[]> {
  const { hostname, port } = new URL(url)
  const all = await Promise.all(Array.from({ length: connections }, () => Connection.open(hostname, Number(port))))
  const idle = [...all]
  const waiting: (() => void)[] = []
  const send = async (request: number, atMs: number): Promise<Answered> => {
    if (idle.length === 0) await new Promise<void>(resolve => waiting.push(resolve))
    const connection = idle.shift()
    if (!connection) throw new Error('no connection is idle')
    const status = await connection.post(path, bodyOf(request))
    idle.push(connection)
    waiting.shift()?.()
    return { status, tookMs: performance.now() - atMs }
  }
  const startedAtMs = performance.now()
  const sent: Promise<Answered>[] = []
  while (sent.length < amount) {
    const wanted = Math.min(amount, Math.ceil(((performance.now() - startedAtMs) * perSecond) / 1000))
    while (sent.length < wanted) sent.push(send(sent.length, startedAtMs + (sent.length * 1000) / perSecond))
    await delay(TICK_MS)
  }
  const answered = await Promise.all(sent)
  for (const connection of all) connection.close()
  return answered
}

/** A connection on which one request at a time is under way. */
class Connection {
  private text = ''
  private answered: ((status: number) => void) | undefined
  private failed: ((error: Error) => void) | undefined

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay(true)
    socket.on('data', data => this.read(String(data)))
    socket.on('error', error => this.failed?.(error))
    socket.on('close', () => this.failed?.(new Error('the server has closed the connection')))
  }

  static async open(host: string, port: number): Promise<Connection> {
    const socket = connect(port, host)
    await once(socket, 'connect')
    return new Connection(socket)
  }

  post(path: string, body: string): Promise<number> {
    const head = `POST ${path} HTTP/1.1\r\nhost: l\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}`
    this.socket.write(`${head}${END_OF_HEAD}${body}`)
    return new Promise((resolve, reject) => {
      this.answered = resolve
      this.failed = reject
    })
  }

  close(): void {
    this.failed = undefined
    this.socket.destroy()
  }

  private read(data: string): void {
    this.text += data
    const head = this.text.indexOf(END_OF_HEAD)
    if (head < 0) return
    const length = Number(/^content-length: *(\d+)/im.exec(this.text)?.[1] ?? 0)
    if (this.text.length < head + END_OF_HEAD.length + length) return
    const status = Number(this.text.slice('HTTP/1.1 '.length, 'HTTP/1.1 '.length + 3))
    this.text = ''
    this.answered?.(status)
  }
}
