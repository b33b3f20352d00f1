/** Files in a webhook, as base64: the message arrives, and no byte of the file is stored, with `raw` or without. */
import { expect } from 'chai'
import type { AppendMessage } from '../../../src/batcher.js'
import { webhook } from '../../../src/webhook/fetch.js'
import { boundedRaw } from '../../../src/webhook/raw.js'
import { Recorder } from './recorder.js'

const FILE = 'QUJD'.repeat(100_000)
const key = { remoteJid: '79000000011@s.whatsapp.net', fromMe: false, id: 'AAAA1' }
const video = { videoMessage: { url: 'https://mmg.whatsapp.net/x', mimetype: 'video/mp4', caption: 'look' } }
const wahaFile = { mimetype: 'video/mp4', filename: 'a.mp4', data: FILE }

const BODIES: Record<string, [provider: string, body: unknown]> = {
  'Evolution, in the message': [
    'evolution',
    { event: 'messages.upsert', instance: 's', data: { key, message: { ...video, base64: FILE } } },
  ],
  'Evolution, several': [
    'evolution',
    { event: 'messages.upsert', instance: 's', data: [{ key, message: { ...video, base64: FILE } }] },
  ],
  'Evolution, beside the message': [
    'evolution',
    { event: 'messages.upsert', instance: 's', data: { key, message: video, base64: FILE } },
  ],
  WAHA: [
    'waha',
    {
      event: 'message',
      session: 's',
      payload: {
        id: 'false_79000000011@c.us_AAAA1',
        from: '79000000011@c.us',
        body: 'look',
        hasMedia: true,
        media: wahaFile,
      },
    },
  ],
  'WPPConnect with autoDownload': [
    'wppconnect',
    {
      event: 'onmessage',
      session: 's',
      id: 'false_79000000011@c.us_AAAA1',
      from: '79000000011@c.us',
      type: 'video',
      mimetype: 'video/mp4',
      caption: 'look',
      body: FILE,
    },
  ],
  'the generic shape': [
    'generic',
    { messageId: '1', chatId: 'a', type: 'video', text: 'look', media: { mimeType: 'video/mp4', data: FILE } },
  ],
  'an address that is a file': [
    'generic',
    { messageId: '1', chatId: 'a', type: 'video', text: 'look', media: { url: `data:video/mp4;base64,${FILE}` } },
  ],
}

describe('webhook: files in a body', () => {
  const stored = async (provider: string, body: unknown, raw: boolean): Promise<AppendMessage | undefined> => {
    const batcher = new Recorder()
    const receive = webhook({ batcher, provider, raw, providers: { allowUnsigned: 'all' } })
    const response = await receive(new Request('http://x/', { method: 'POST', body: JSON.stringify(body) }))
    expect(await response.json()).to.include({ accepted: 1 })
    return batcher.noted[0]?.messages?.[0]
  }

  for (const [name, [provider, body]] of Object.entries(BODIES))
    for (const raw of [false, true])
      it(`${name}: the message arrives without its file${raw ? ', in raw, too' : ''}`, async () => {
        const message = await stored(provider, body, raw)
        expect(message).to.include({ type: 'video', text: 'look' })
        expect(message?.media).to.include({ omitted: 'too large' })
        expect(JSON.stringify(message).length).to.be.below(2000)
        if (raw) expect(message).to.have.property('raw')
      })

  it('a medium that is not in the body has no such mark, and a small picture in its place is none', async () => {
    const message = { ...video, videoMessage: { ...video.videoMessage, jpegThumbnail: 'QUJD' } }
    const evolution = await stored(
      'evolution',
      { event: 'messages.upsert', instance: 's', data: { key, message } },
      false,
    )
    expect(evolution?.media).to.deep.equal({ url: 'https://mmg.whatsapp.net/x', mimeType: 'video/mp4' })
  })

  it('raw is left out if it is too large or too deep, and each message of a body has its own part', async () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => ({ n: i, text: 'x'.repeat(1000) }))
    expect(boundedRaw(many(200))).to.deep.equal(many(200))
    expect(boundedRaw(many(300))).to.equal(undefined)
    expect(boundedRaw({ a: ['x'.repeat(70_000), 1], b: 'x'.repeat(70_000), c: 2 })).to.deep.equal({
      a: [null, 1],
      c: 2,
    })
    let deep: unknown = 1
    for (let i = 0; i < 300; i++) deep = [deep]
    expect(boundedRaw({ deep })).to.equal(undefined)
    const batcher = new Recorder()
    const receive = webhook({ batcher, provider: 'evolution', raw: true, providers: { allowUnsigned: 'all' } })
    const data = ['A1', 'A2'].map(id => ({ key: { ...key, id }, message: { conversation: id } }))
    const body = JSON.stringify({ event: 'messages.upsert', instance: 's', data })
    await receive(new Request('http://x/', { method: 'POST', body }))
    const raws = batcher.noted.flatMap(({ messages }) => messages ?? []).map(({ raw }) => raw)
    expect(raws).to.deep.equal(data.map(each => ({ event: 'messages.upsert', instance: 's', data: each })))
  })
})
