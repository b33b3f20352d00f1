/**
 * Bodies that nobody sends, or that somebody sends on purpose: whatever comes, the answer is a known one, it comes
 * soon, and the next good request is taken.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { expect } from 'chai'
import fc from 'fast-check'
import { Batcher } from '../../src/batcher.js'
import { parseBody } from '../../src/http/body.js'
import { providers } from '../../src/providers/registry.js'
import { MemoryStore } from '../../src/store/memory/store.js'
import { webhook } from '../../src/webhook/fetch.js'

const folder = new URL('../fixtures/webhooks/', import.meta.url)
const FORM = 'application/x-www-form-urlencoded'
const JSON_TYPE = 'application/json'

const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter(file => file !== 'expected.json' && statSync(new URL(file, folder)).isFile())
  .map(file => ({ file, bytes: readFileSync(new URL(file, folder)) }))

const parsed = files.flatMap(({ file, bytes }) => {
  try {
    return [{ file, value: parseBody(bytes, file.startsWith('twilio') ? FORM : JSON_TYPE) }]
  } catch {
    return []
  }
})

/** What a strange sender may be answered. */
const ANSWERS = [200, 400, 413, 415]
const HANGS_AFTER_MS = 2000
/**
 * By default some hundred runs a property with a fixed seed; with `LULL_FUZZ_MINUTES` as many as fit, with a new seed.
 */
const MINUTES = Number(process.env['LULL_FUZZ_MINUTES'] ?? 0)
const PROPERTIES = 4
const runs = (times: number): fc.Parameters<unknown> =>
  MINUTES > 0
    ? { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: (MINUTES * 60_000) / PROPERTIES }
    : { numRuns: times, seed: 20_261_128 }
const RUNS = 400

const named = fc.constantFrom(undefined, ...providers.names)

/** Values that are of the wrong kind in as many ways as there are. */
const strange = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    undefined,
    true,
    0,
    -1,
    1e308,
    '',
    ' ',
    '@',
    '@lid',
    'x'.repeat(600),
    [],
    {},
    [[]],
    '\ud800',
  ),
  fc.constantFrom<unknown>('__proto__', 'constructor', '9'.repeat(40), '2026-01-01T00:00:00Z', '1e9', '%', '\u0000'),
  fc.anything({ maxDepth: 2 }),
)

/** A fixture with some of its values replaced, removed, doubled or put elsewhere. */
const mutated = fc
  .record({
    value: fc.constantFrom(...parsed.map(({ value }) => value)),
    hits: fc.array(
      fc.record({ at: fc.nat(200), how: fc.constantFrom('replace', 'remove', 'wrap', 'repeat'), by: strange }),
      {
        minLength: 1,
        maxLength: 4,
      },
    ),
  })
  .map(({ value, hits }) => hits.reduce<unknown>((made, { at, how, by }) => mutate(made, at, how, by), value))

function mutate(value: unknown, at: number, how: string, by: unknown): unknown {
  let left = at % Math.max(count(value), 1)
  const walk = (each: unknown): unknown => {
    if (left-- === 0)
      return how === 'wrap' ? [each] : how === 'repeat' ? [each, each] : how === 'remove' ? undefined : by
    if (Array.isArray(each)) return each.map(walk)
    if (typeof each !== 'object' || each === null) return each
    return Object.fromEntries(Object.entries(each).map(([name, inner]) => [name, walk(inner)]))
  }
  return walk(value)
}

const count = (value: unknown): number =>
  1 +
  (typeof value === 'object' && value !== null ? Object.values(value).reduce((sum, each) => sum + count(each), 0) : 0)

describe('webhook: random bodies never crash it', function () {
  this.timeout(60_000 + MINUTES * 60_000)
  const errors: unknown[] = []
  const nothing = () => {}
  const log = { debug: nothing, info: nothing, warn: nothing, error: (...told: unknown[]) => void errors.push(told) }
  const batcher = new Batcher({ store: new MemoryStore({ maxMessages: 10_000 }) })
  const receivers = new Map(
    [undefined, ...providers.names].map(provider => [
      provider,
      webhook({ batcher, log, providers: { allowUnsigned: 'all' }, ...(provider ? { provider } : {}) }),
    ]),
  )
  let good = 0

  const post = async (provider: string | undefined, body: string | Uint8Array<ArrayBuffer>, type: string) => {
    const receive = receivers.get(provider)
    if (receive === undefined) throw new Error(`no receiver for ${provider}`)
    const before = process.cpuUsage()
    const request = new Request('http://localhost/x', { method: 'POST', body, headers: { 'content-type': type } })
    const response = await receive(request)
    // Of the processor's time: the machine may have other things to do.
    expect(process.cpuUsage(before).user / 1000, 'took').to.be.below(HANGS_AFTER_MS)
    return response
  }

  const withstands = async (provider: string | undefined, body: string | Uint8Array<ArrayBuffer>, type = JSON_TYPE) => {
    const response = await post(provider, body, type)
    expect(errors).to.deep.equal([])
    expect(response.status).to.be.oneOf(ANSWERS)
    expect(await response.json()).to.be.an('object')
    good += 1
    const next = await post('generic', `{"messageId":"good-${good}","chatId":"good","text":"x"}`, JSON_TYPE)
    expect(await next.json()).to.deep.equal({ accepted: 1, duplicates: 0, ignored: 0 })
  }

  const jsonOf = (value: unknown) => JSON.stringify(value) ?? 'null'

  it('every fixture, under every provider’s name', async () => {
    for (const { file, bytes } of files)
      for (const provider of [undefined, ...providers.names])
        await withstands(provider, new Uint8Array(bytes), file.startsWith('twilio') ? FORM : JSON_TYPE)
  })

  it('fixtures with some of their values replaced, removed, doubled or wrapped', async () => {
    await fc.assert(
      fc.asyncProperty(mutated, named, (value, provider) => withstands(provider, jsonOf(value))),
      runs(RUNS * 4),
    )
  })

  it('any JSON', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json({ maxDepth: 6 }), named, (text, provider) => withstands(provider, text)),
      runs(RUNS),
    )
  })

  it('any form', async () => {
    const name = fc.oneof(
      fc.constantFrom(
        'MessageSid',
        'AccountSid',
        'From',
        'NumMedia',
        'MediaUrl0',
        'Latitude',
        'MessageType',
        '__proto__',
      ),
      fc.string(),
    )
    const pairs = fc.array(fc.tuple(name, fc.oneof(fc.string(), fc.constantFrom('whatsapp:+7', '1e9', '-1', '', '%'))))
    await fc.assert(
      fc.asyncProperty(pairs, named, (fields, provider) =>
        withstands(provider, new URLSearchParams(fields).toString(), FORM),
      ),
      runs(RUNS),
    )
  })

  it('any bytes, and fixtures cut off or with bits flipped', async () => {
    const cut = fc
      .record({
        bytes: fc.constantFrom(...files.map(each => each.bytes)),
        at: fc.nat(3000),
        bit: fc.nat(7),
        keep: fc.boolean(),
      })
      .map(({ bytes, at, bit, keep }) => {
        const copy = new Uint8Array(bytes)
        const i = at % Math.max(copy.length, 1)
        copy[i] = (copy[i] ?? 0) ^ (1 << bit)
        return keep ? copy : copy.slice(0, i)
      })
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), cut).map(each => new Uint8Array(each))
    await fc.assert(
      fc.asyncProperty(bytes, named, fc.constantFrom(FORM, JSON_TYPE, '', 'text/plain; charset=utf-16'), withBytes),
      runs(RUNS),
    )
  })

  const withBytes = (bytes: Uint8Array<ArrayBuffer>, provider: string | undefined, type: string) =>
    withstands(provider, bytes, type || 'x')

  it('bodies made to be slow: deep, long, many, and hard for regular expressions', async () => {
    const message = { messageId: '1', chatId: 'a', text: 'x' }
    const bodies = [
      `${'['.repeat(200_000)}${']'.repeat(200_000)}`,
      `${'{"message":'.repeat(100_000)}1${'}'.repeat(100_000)}`,
      jsonOf(Array.from({ length: 10_000 }, (_, i) => ({ ...message, messageId: String(i), chatId: String(i % 50) }))),
      jsonOf({ ...message, chatId: `+${'1 '.repeat(200)}@` }),
      jsonOf({ ...message, chatId: '-'.repeat(512) }),
      jsonOf({
        event: 'message',
        session: 's',
        payload: { id: `false_${'_'.repeat(500)}`, from: `${':1'.repeat(250)}@lid` },
      }),
      jsonOf({ event: 'messages.upsert', instance: 's', data: Array.from({ length: 5000 }, () => ({ key: {} })) }),
      jsonOf({ messages: [{ channelId: 'c', type: 'geo', text: `${'1.'.repeat(100_000)},` }] }),
      jsonOf({ text: 'x'.repeat(2_900_000), chatId: 'a', messageId: 'long' }),
    ]
    for (const body of bodies) for (const provider of [undefined, ...providers.names]) await withstands(provider, body)
  })
})
