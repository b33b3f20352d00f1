/** A provider or a handover is added by one file and one entry in its list. Everything else is derived from them. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { Batcher } from '../../src/batcher.js'
import { nextSteps } from '../../src/cli/next-steps.js'
import { KNOWN, type Known } from '../../src/config/known.js'
import { providerTable, settingsReference } from '../../src/config/reference.js'
import { ConfigError, type Environment, readConfig } from '../../src/config.js'
import { Refusal } from '../../src/http/refusal.js'
import { Metrics } from '../../src/metrics/metrics.js'
import { sharedSettings } from '../../src/presence/presence.js'
import { Processor } from '../../src/processor/processor.js'
import { type OptionsOf, PROVIDERS, Providers } from '../../src/providers/registry.js'
import { MemoryStore } from '../../src/store/memory/store.js'
import { Receiver } from '../../src/webhook/receive.js'
import { delivered, toyKind } from '../support/toys/toy-handover.js'
import { toyProvider } from '../support/toys/toy-provider.js'
import { until } from '../support/wait.js'
import { Recorder } from './webhook/recorder.js'

const known: Known = {
  providers: new Providers([toyProvider, ...PROVIDERS]),
  handovers: [...KNOWN.handovers, toyKind],
}

const configFrom = (env: Environment) => readConfig(env, known)

function refusal(env: Environment): string {
  try {
    configFrom(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  throw new Error(`${JSON.stringify(env)} was accepted`)
}

describe('a provider that is one file and one entry', () => {
  const env = { TOY_RING_KEY: 'ring-ring' }
  const body = Buffer.from(JSON.stringify({ toy: '79990000011@c.us', id: 't1', says: 'ring' }))

  function receiving(more: Environment = {}) {
    const batcher = new Recorder()
    const metrics = new Metrics('0.0.0')
    const receiver = new Receiver({
      batcher,
      known: known.providers,
      providers: configFrom({ ...env, ...more }).providers,
      observer: metrics,
    })
    const deliver = (key: string | undefined, provider?: string) =>
      receiver.deliver({ body, provider, header: name => (name === 'x-ring' ? key : undefined) })
    return { batcher, metrics, deliver }
  }

  it('is configured by its variable, whose value no error shows', () => {
    expect(configFrom(env).providers).to.deep.equal({ toyPhone: { ringKey: 'ring-ring' } })
    expect(configFrom({}).providers).to.deep.equal({})
    expect(refusal({ TOY_RING_KEY: 'ring ring' })).to.equal(
      'TOY_RING_KEY=***: must be printable ASCII characters without spaces',
    )
    expect(configFrom({ LULL_ALLOW_UNSIGNED: 'toy-phone' }).providers.allowUnsigned).to.deep.equal(['toy-phone'])
  })

  it('has typed options', () => {
    type Options = OptionsOf<readonly [typeof toyProvider]>
    const options: Options = { toyPhone: { ringKey: 'ring-ring' } }
    // @ts-expect-error It has no such option.
    const wrong: Options = { toyPhone: { ringTone: 'ring-ring' } }
    expect([options, wrong]).to.have.length(2)
  })

  it('is documented', () => {
    expect(settingsReference(known)).to.match(
      /\| `TOY_RING_KEY` \|.*\| secret;.*\| `providers\.toyPhone\.ringKey` \| \*\*Toy phone\.\*\* The key/,
    )
    expect(providerTable(known)).to.include('| Toy phone | `…/batched/toy-phone` | `TOY_RING_KEY` |')
  })

  it('is routed by its name and by its shape, and counted', async () => {
    const { batcher, metrics, deliver } = receiving()
    expect(await deliver('ring-ring', 'toy-phone')).to.include({ status: 200 })
    expect(await deliver('ring-ring')).to.include({ status: 200 })
    expect(batcher.texts).to.deep.equal(Array(2).fill(['79990000011@c.us', ['ring']]))
    expect((await metrics.text()).text).to.include('lull_messages_total{provider="toy-phone",outcome="accepted"} 2')
  })

  it('is refused without its secret, and so are unsigned providers beside it', async () => {
    const { metrics, deliver } = receiving()
    const rejected = async (key: string | undefined, provider: string) => {
      const error: unknown = await deliver(key, provider).catch(error => error)
      return error instanceof Refusal ? error.status : error
    }
    expect(await rejected('ding', 'toy-phone')).to.equal(401)
    expect(await rejected(undefined, 'toy-phone')).to.equal(401)
    expect(await rejected('ring-ring', 'generic')).to.equal(401)
    expect((await metrics.text()).text)
      .to.include('lull_webhook_rejections_total{provider="toy-phone",reason="mismatch"} 1')
      .and.to.include('lull_webhook_rejections_total{provider="generic",reason="unsigned"} 1')
  })
})

describe('a handover that is one file and one entry', () => {
  const env = { LULL_HANDOVER: 'toy', LULL_TOY_SUBJECT: 'stairs' }

  it('is configured by its name and its variables', () => {
    const { kind, options, queue } = configFrom(env).handover
    expect({ kind, options, queue }).to.deep.equal({
      kind: 'toy',
      options: { subject: 'stairs', marbles: 3 },
      queue: undefined,
    })
    expect(refusal({ LULL_HANDOVER: 'toy' })).to.equal(
      'LULL_HANDOVER=toy: LULL_TOY_SUBJECT is missing: name a marble run',
    )
    expect(refusal({ LULL_TOY_MARBLES: '10' })).to.equal('LULL_TOY_MARBLES=10: must be a whole number from 1 to 9')
    expect(refusal({ LULL_HANDOVER: 'train' })).to.equal('LULL_HANDOVER=train: must be one of bullmq, http, toy')
    expect(configFrom({ ...env, LULL_TOY_MARBEL: '1' }).warnings).to.deep.equal([
      "LULL_TOY_MARBEL is no setting of Lull's and has no effect: did you mean LULL_TOY_MARBLES?",
    ])
  })

  it('is documented, and so is what becomes of a batch', () => {
    expect(settingsReference(known))
      .to.include('`toy`: a batch rolls down the marble run LULL_TOY_SUBJECT.')
      .and.to.match(/\| `LULL_TOY_MARBLES` \| `3` \| a whole number from 1 to 9 \|/)
    const config = configFrom(env)
    expect(nextSteps({ config, url: 'http://127.0.0.1:1', token: 't', tokenIsMade: true })).to.include(
      'one batch with all four rolls down the marble run LULL_TOY_SUBJECT.',
    )
  })

  it('is among the settings that all processes have to share', () => {
    expect(sharedSettings(configFrom(env))).to.include({ LULL_HANDOVER: 'toy', LULL_TOY_SUBJECT: 'stairs' })
    expect(sharedSettings(configFrom({}))).not.to.have.property('LULL_TOY_SUBJECT')
  })

  it('gets the batches, and its handovers are counted', async () => {
    const config = configFrom(env)
    const store = new MemoryStore({ ...config.rules, quietGapMs: 10 })
    const metrics = new Metrics('0.0.0')
    const batcher = new Batcher({ store })
    const processor = new Processor({ store, handover: await config.handover.make(config.redis), observer: metrics })
    delivered.length = 0
    try {
      await processor.start()
      await batcher.append('79990000011@c.us', { messageId: 'm1', text: 'hi' })
      await until(() => delivered.length === 1, { what: 'the handover' })
    } finally {
      await processor.stop()
      await store.close()
    }
    expect(delivered.map(({ subject, batch }) => [subject, batch.text])).to.deep.equal([['stairs', 'hi']])
    expect((await metrics.text()).text).to.include('lull_handovers_total{kind="toy",result="answered"} 1')
  })

  it('needs no change elsewhere: nothing outside src/handover/ names a kind', () => {
    const src = new URL('../../src/', import.meta.url)
    const names = KNOWN.handovers.map(({ name }) => name).join('|')
    const asking = new RegExp(`(kind|handover)\\b.{0,12}[!=]==? '(${names})'|case '(${names})'`)
    const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
      file => file.endsWith('.ts') && !file.startsWith('handover'),
    )
    expect(files.length).to.be.above(100)
    expect(files.filter(file => asking.test(readFileSync(new URL(file, src), 'utf8')))).to.deep.equal([])
  })
})
