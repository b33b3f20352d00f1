/**
 * What a request costs grows in proportion to its size, and ends at a named bound. Growth is measured as the ratio of
 * the times for `n` and `4n`: 4 if it is linear, 16 if it is quadratic. The limit lies between them.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { expect } from 'chai'
import { parseBody } from '../../src/http/body.js'
import { MAX_FORM_BYTES, MOST_FORM_FIELDS } from '../../src/http/form.js'
import { MOST_ITEMS, MOST_LEVELS, MOST_VALUES } from '../../src/http/json-bounds.js'
import { Refusal } from '../../src/http/refusal.js'
import { type Provider, UnreadableBody } from '../../src/providers/provider.js'
import { PROVIDERS, type ProvidersOptions } from '../../src/providers/registry.js'

const FORM = 'application/x-www-form-urlencoded'
const JSON_TYPE = 'application/json'
const MOST_GROWTH = 8
const TIMES = 7

const options: ProvidersOptions = {
  meta: { appSecret: 'hush' },
  greenApi: { webhookToken: 'hush' },
  waha: { hmacKey: 'hush' },
  evolution: { apiKey: 'hush' },
  twilio: { authToken: 'hush', publicUrl: 'https://bot.example' },
  wazzup: { crmKey: 'hush' },
  wwebjs: { apiKey: 'hush' },
}

/** Texts that are hard for regular expressions, of `n` characters each. */
const TEXTS: Record<string, (n: number) => string> = {
  letters: n => 'a'.repeat(n),
  spaces: n => ' '.repeat(n),
  digits: n => '1'.repeat(n),
  underscores: n => `false_${'_'.repeat(n)}`,
  stanza: n => `false_${'a_'.repeat(n / 2)}`,
  addresses: n => '@'.repeat(n),
  devices: n => `${':1'.repeat(n / 2)}@lid`,
  numbers: n => `+${'1 '.repeat(n / 2)}x`,
  coordinates: n => '1.'.repeat(n / 2),
  pairs: n => '1 ,'.repeat(n / 3),
  json: n => `{"a":${'['.repeat(n)}`,
  slashes: n => '/'.repeat(n),
  bearer: n => `Bearer ${' a'.repeat(n / 2)}`,
  tokens: n => 'a.'.repeat(n / 2),
}

const folder = new URL('../fixtures/webhooks/', import.meta.url)

const bodiesOf = (provider: string): unknown[] => {
  const under = new URL(`${provider}/`, folder)
  return readdirSync(under)
    .filter(file => statSync(new URL(file, under)).isFile())
    .slice(0, 4)
    .flatMap(file => {
      try {
        return [parseBody(readFileSync(new URL(file, under)), provider === 'twilio' ? FORM : JSON_TYPE)]
      } catch {
        return []
      }
    })
}

/** The value with each of its texts replaced in turn. */
function* replaced(value: unknown, text: string): Generator<unknown> {
  if (typeof value === 'string') yield text
  else if (Array.isArray(value))
    for (const [i, each] of value.entries()) for (const other of replaced(each, text)) yield value.with(i, other)
  else if (typeof value === 'object' && value !== null)
    for (const [name, each] of Object.entries(value))
      for (const other of replaced(each, text)) yield { ...value, [name]: other }
}

function parse(provider: Provider, body: unknown): void {
  try {
    provider.parse(body)
  } catch (error) {
    if (!(error instanceof UnreadableBody)) throw error
  }
}

async function medianMs(work: () => unknown): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < TIMES; i++) {
    const startedAtMs = performance.now()
    await work()
    times.push(performance.now() - startedAtMs)
  }
  return times.sort((a, b) => a - b)[Math.floor(TIMES / 2)] ?? 0
}

/** Times below this are noise. */
const NOISE_MS = 0.5

/** Other programs may keep a core busy for seconds. */
const MOST_MEASUREMENTS = 10

/** The least of some measurements: other processes make one too large, and none too small. */
async function growthOf(work: (n: number) => () => unknown, n: number): Promise<number> {
  const [small, large] = [work(n), work(4 * n)]
  await small()
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < MOST_MEASUREMENTS && least >= MOST_GROWTH; i++) {
    const before = await medianMs(small)
    least = Math.min(least, (await medianMs(large)) / Math.max(before, NOISE_MS))
  }
  return least
}

const statusOf = (body: string, type = JSON_TYPE): number | undefined => {
  try {
    parseBody(Buffer.from(body), type)
    return undefined
  } catch (error) {
    if (error instanceof Refusal) return error.status
    throw error
  }
}

describe('costs', function () {
  this.timeout(60_000)

  for (const provider of PROVIDERS) {
    it(`${provider.name}: reading a body takes time in proportion to each of its texts`, async () => {
      const bodies = bodiesOf(provider.name)
      expect(bodies).to.not.be.empty
      for (const [kind, text] of Object.entries(TEXTS)) {
        const work = (n: number) => {
          const all = bodies.flatMap(body => [...replaced(body, text(n))])
          return () => {
            for (const body of all) parse(provider, body)
          }
        }
        expect(await growthOf(work, 3000), kind).to.be.below(MOST_GROWTH)
      }
    })

    it(`${provider.name}: reading a body takes time in proportion to its items`, async () => {
      for (const body of bodiesOf(provider.name)) {
        const work = (n: number) => {
          const all = [...lengthened(body, n)]
          return () => {
            for (const grown of all) parse(provider, grown)
          }
        }
        expect(await growthOf(work, 500)).to.be.below(MOST_GROWTH)
      }
    })

    if ('signature' in provider)
      it(`${provider.name}: checking its signature takes time in proportion to headers and body`, async () => {
        const { signature } = provider
        const secret = signature.secret(options) ?? ''
        for (const [kind, text] of Object.entries(TEXTS)) {
          const work = (n: number) => {
            const header = (name: string) => (name === 'x-twilio-signature' ? `${'a'.repeat(27)}=` : text(n))
            const body = Buffer.from(text(16 * n))
            return async () => {
              await signature.headerFault({ header }, secret, options)
              await signature.fault({ header, body, url: `/webhook?x=${text(200)}` }, secret, options)
            }
          }
          expect(await growthOf(work, 3000), kind).to.be.below(MOST_GROWTH)
        }
      })
  }

  it('a Twilio form takes time in proportion to its fields, of one name or of many', async () => {
    const twilio = PROVIDERS.find(({ name }) => name === 'twilio')
    if (!twilio || !('signature' in twilio)) throw new Error('there is no provider twilio')
    const header = () => `${'a'.repeat(27)}=`
    for (const field of [() => 'a=', (i: number) => `a${i}=${i}`, (i: number) => `a=${i}`, () => '=']) {
      const work = (n: number) => {
        const body = Buffer.from(Array.from({ length: n }, (_, i) => field(i)).join('&'))
        return async () => {
          for (let i = 0; i < 5; i++) await twilio.signature.fault({ header, body, url: '/' }, 'hush', options)
        }
      }
      expect(await growthOf(work, 250)).to.be.below(MOST_GROWTH)
    }
  })

  it('a form has at most 1,000 fields and 1 MiB, before its signature is checked', async () => {
    expect(statusOf(Array(MOST_FORM_FIELDS).fill('a=').join('&'), FORM)).to.equal(undefined)
    expect(statusOf('&'.repeat(MOST_FORM_FIELDS), FORM)).to.equal(413)
    expect(statusOf(`a=${'x'.repeat(MAX_FORM_BYTES)}`, FORM)).to.equal(413)
    const twilio = PROVIDERS.find(({ name }) => name === 'twilio')
    if (!twilio || !('signature' in twilio)) throw new Error('there is no provider twilio')
    const request = { header: () => 'x', url: '/', body: Buffer.from('a=&'.repeat(50_000)) }
    const error = await Promise.resolve(twilio.signature.fault(request, 'hush', options)).catch(
      (caught: unknown) => caught,
    )
    expect(error).to.include({ status: 413 })
  })

  it('JSON has at most 10,000 items, 300,000 values and 1,000 levels, whatever its texts hold', () => {
    const many = (count: number, each: string) => `[${Array(count).fill(each).join(',')}]`
    expect(statusOf(many(MOST_ITEMS, '{}'))).to.equal(undefined)
    expect(statusOf(many(MOST_ITEMS + 1, '{}'))).to.equal(413)
    expect(statusOf(many(101, many(100, '[]')))).to.equal(413)
    expect(statusOf(many(MOST_VALUES - 2, '1'))).to.equal(undefined)
    expect(statusOf(many(MOST_VALUES, '1'))).to.equal(413)
    expect(statusOf('['.repeat(MOST_LEVELS) + ']'.repeat(MOST_LEVELS))).to.equal(undefined)
    expect(statusOf('['.repeat(MOST_LEVELS + 1))).to.equal(400)
    for (const text of ['[{,'.repeat(100_000), '"\\'.repeat(200_000), `${'\\'.repeat(9)}"[{,`, '\\"[,'.repeat(100_000)])
      expect(statusOf(JSON.stringify([text, { [text]: text }])), text.slice(0, 20)).to.equal(undefined)
  })
})

/** The value with each of its arrays in turn made as long as `n`, by repeating what it holds. */
function* lengthened(value: unknown, n: number): Generator<unknown> {
  if (Array.isArray(value)) {
    if (value.length > 0) yield Array.from({ length: n }, (_, i) => value[i % value.length])
    for (const [i, each] of value.entries()) for (const other of lengthened(each, n)) yield value.with(i, other)
  } else if (typeof value === 'object' && value !== null)
    for (const [name, each] of Object.entries(value))
      for (const other of lengthened(each, n)) yield { ...value, [name]: other }
}
