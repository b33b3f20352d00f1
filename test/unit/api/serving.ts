/** An API on a port of its own, over a store in memory. Each of its replies is held against the API's description. */

import { type AppOptions, createApp } from '../../../src/api/app.js'
import { Batcher } from '../../../src/batcher.js'
import { type Listening, listen } from '../../../src/http/listen.js'
import { silent } from '../../../src/logger.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import type { AppendRequest, AppendResult } from '../../../src/store/store.js'
import { Described } from '../../support/openapi/described.js'

export const TOKEN = 'a-token'

/** A store that a test can make fail. */
export class TroubledStore extends MemoryStore {
  trouble?: Error
  listeners?: number
  /** Messages that were stored. */
  appended = 0
  /** Appends wait for it. */
  gate?: () => Promise<void>

  override async append(request: AppendRequest): Promise<AppendResult> {
    await this.gate?.()
    if (this.trouble) throw this.trouble
    const result = await super.append(request)
    this.appended += result.accepted
    return this.listeners === undefined ? result : { ...result, listeners: this.listeners }
  }

  override async ready(): Promise<void> {
    if (this.trouble) throw this.trouble
  }
}

export interface Serving extends Listening {
  store: TroubledStore
  /** A request with the token, and JSON for a body. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Called>
}

export interface Called {
  status: number
  headers: Headers
  text: string
  json: unknown
}

let shared: Described | undefined
const described = () => {
  shared ??= new Described()
  return shared
}

export async function serve(options: Partial<AppOptions> = {}): Promise<Serving> {
  const store = new TroubledStore()
  const batcher = new Batcher({ store })
  const app = createApp({ batcher, log: silent, apiToken: TOKEN, providers: {}, ...options })
  const listening = await listen(app, { host: '127.0.0.1', port: 0 })
  const call: Serving['call'] = async (method, path, body, headers = {}) => {
    const response = await fetch(listening.url + path, {
      method,
      headers: { Authorization: `Bearer ${TOKEN}`, ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = text !== '' && response.headers.get('content-type')?.includes('json')
    const json: unknown = isJson ? JSON.parse(text) : undefined
    const { status } = response
    const [type = ''] = (response.headers.get('content-type') ?? '').split(';')
    const fault = status === 405 ? undefined : described().fault({ method, path, status, type, body: json ?? text })
    if (fault !== undefined) throw new Error(`not as docs/openapi.json says: ${fault}`)
    return { status, headers: response.headers, text, json }
  }
  return { ...listening, store, call }
}
