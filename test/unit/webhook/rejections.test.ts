import { expect } from 'chai'
import { silent } from '../../../src/logger.js'
import type { Counts } from '../../../src/observer.js'
import type { ProvidersOptions } from '../../../src/providers/registry.js'
import { webhook } from '../../../src/webhook/fetch.js'
import { Rejections } from '../../../src/webhook/rejections.js'
import { Recorder } from './recorder.js'

describe('webhook: refused webhooks', () => {
  it('are counted by provider and reason, with the time of the last', () => {
    const rejections = new Rejections(silent)
    const startedAtMs = Date.now()
    rejections.add('meta', 'missing', 'no signature')
    rejections.add('meta', 'missing', 'no signature')
    rejections.add('waha', 'unsigned', 'no secret')
    expect(rejections.all.map(({ lastAtMs: _, ...counted }) => counted)).to.deep.equal([
      { provider: 'meta', reason: 'missing', count: 2 },
      { provider: 'waha', reason: 'unsigned', count: 1 },
    ])
    for (const { lastAtMs } of rejections.all) expect(lastAtMs).to.be.at.least(startedAtMs)
  })

  it('are all passed to every subscriber, and logged once a minute for each reason', () => {
    const lines: string[] = []
    const rejections = new Rejections({ ...silent, warn: (_, line) => void lines.push(line) })
    const passed: string[][] = [[], []]
    for (const list of passed) rejections.subscribe((provider, reason) => list.push(`${provider} ${reason}`))
    for (let i = 0; i < 3; i++) rejections.add('meta', 'mismatch', 'compare the secrets')
    rejections.add('meta', 'missing', 'no signature')
    const expected = [...Array(3).fill('meta mismatch'), 'meta missing']
    expect(passed).to.deep.equal([expected, expected])
    expect(lines).to.deep.equal([
      'refused a webhook of meta (1 since the start): compare the secrets',
      'refused a webhook of meta (1 since the start): no signature',
    ])
  })

  it('reach the observer of the library’s webhook, as do those that were read', async () => {
    const seen: unknown[] = []
    const observer = {
      rejected: (provider: string, reason: string) => void seen.push([provider, reason]),
      received: (provider: string, counts: Counts) => void seen.push([provider, { ...counts }]),
    }
    const body = JSON.stringify({ messageId: '1', chatId: 'a', text: 'hi' })
    const all: ProvidersOptions[] = [
      { waha: { hmacKey: 'key' } },
      { waha: { hmacKey: 'key' }, generic: { unsigned: true } },
      {},
    ]
    for (const providers of all)
      await webhook({ batcher: new Recorder(), providers, observer })(
        new Request('http://localhost/hook', { method: 'POST', body }),
      )
    expect(seen).to.deep.equal([
      ['waha', 'missing'],
      ['generic', { accepted: 1, duplicates: 0, ignored: 0 }],
      ['unknown', 'exposed'],
    ])
  })
})
