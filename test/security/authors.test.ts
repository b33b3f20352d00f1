/** Only the author of a message edits or revokes it: a member of a group cannot change what another member wrote. */
import { expect } from 'chai'
import { Batcher } from '../../src/batcher.js'
import { MemoryStore } from '../../src/store/memory/store.js'
import { webhook } from '../../src/webhook/fetch.js'

const GROUP = '120363000000000001@g.us'
const ANNA = '79000000011'
const MALLORY = '79000000099'

interface Shapes {
  account: string
  says(who: string, id: string): unknown
  edits(who: string, id: string): unknown
  revokes(who: string, id: string): unknown
}

const evolution = (who: string, id: string, message: unknown) => ({
  event: 'messages.upsert',
  instance: 'shop',
  data: {
    key: { remoteJid: GROUP, fromMe: false, id, participant: `${who}@s.whatsapp.net` },
    message,
    messageTimestamp: 1_767_262_500,
  },
})
const waha = (event: string, payload: object) => ({ event, session: 'shop', payload })
const wahaId = (who: string, id: string) => `false_${GROUP}_${id}_${who}@c.us`
const wahaOf = (who: string, id: string) => ({
  id: wahaId(who, id),
  from: GROUP,
  participant: `${who}@c.us`,
  fromMe: false,
})
const green = (who: string, idMessage: string, messageData: object) => ({
  typeWebhook: 'incomingMessageReceived',
  instanceData: { idInstance: 7 },
  timestamp: 1_767_262_500,
  idMessage,
  senderData: { chatId: GROUP, sender: `${who}@c.us`, senderName: 'x' },
  messageData,
})

const SHAPES: Record<string, Shapes> = {
  evolution: {
    account: 'shop',
    says: (who, id) => evolution(who, id, { conversation: 'mine' }),
    edits: (who, id) =>
      evolution(who, `E${id}`, {
        protocolMessage: {
          key: { id, participant: `${ANNA}@s.whatsapp.net` },
          type: 14,
          editedMessage: { conversation: 'other' },
        },
      }),
    revokes: (who, id) => evolution(who, `R${id}`, { protocolMessage: { key: { id }, type: 0 } }),
  },
  waha: {
    account: 'shop',
    says: (who, id) => waha('message', { ...wahaOf(who, id), body: 'mine', hasMedia: false }),
    edits: (who, id) => waha('message.edited', { ...wahaOf(who, `E${id}`), body: 'other', editedMessageId: id }),
    revokes: (who, id) =>
      waha('message.revoked', { revokedMessageId: id, before: wahaOf(ANNA, id), after: wahaOf(who, `R${id}`) }),
  },
  'green-api': {
    account: '7',
    says: (who, id) => green(who, id, { typeMessage: 'textMessage', textMessageData: { textMessage: 'mine' } }),
    edits: (who, id) =>
      green(who, `E${id}`, { typeMessage: 'editedMessage', editedMessageData: { textMessage: 'other', stanzaId: id } }),
    revokes: (who, id) => green(who, `R${id}`, { typeMessage: 'deletedMessage', deletedMessageData: { stanzaId: id } }),
  },
}

describe('authors', () => {
  for (const [provider, { account, says, edits, revokes }] of Object.entries(SHAPES)) {
    const setUp = () => {
      const store = new MemoryStore()
      const receive = webhook({ batcher: new Batcher({ store }), provider, providers: { allowUnsigned: 'all' } })
      const post = async (body: unknown) => {
        const response = await receive(new Request('http://x/', { method: 'POST', body: JSON.stringify(body) }))
        return response.json()
      }
      const texts = async () =>
        (await store.conversation(`${account}/${GROUP}`)).messages.map(({ message }) => message.text)
      return { post, texts }
    }

    it(`${provider}: a member of a group edits and revokes nothing of another member`, async () => {
      const { post, texts } = setUp()
      expect(await post(says(ANNA, 'AAAA1'))).to.include({ accepted: 1 })
      expect(await post(edits(MALLORY, 'AAAA1'))).to.deep.equal({ accepted: 0, duplicates: 0, ignored: 1 })
      expect(await post(revokes(MALLORY, 'AAAA1'))).to.deep.equal({ accepted: 0, duplicates: 0, ignored: 1 })
      expect(await texts()).to.deep.equal(['mine'])
    })

    it(`${provider}: the author edits and revokes the own message in a group`, async () => {
      const { post, texts } = setUp()
      await post(says(ANNA, 'AAAA1'))
      expect(await post(edits(ANNA, 'AAAA1'))).to.include({ edited: 1 })
      expect(await texts()).to.deep.equal(['other'])
      expect(await post(revokes(ANNA, 'AAAA1'))).to.include({ revoked: 1 })
      expect(await texts()).to.deep.equal([])
    })

    it(`${provider}: a revocation by a stranger keeps no message away that comes later`, async () => {
      const { post, texts } = setUp()
      expect(await post(revokes(MALLORY, 'AAAA1'))).to.include({ ignored: 1 })
      await post(says(ANNA, 'AAAA1'))
      expect(await texts()).to.deep.equal(['mine'])
    })
  }

  it('an edit in a group that names no author, or whose author only the sender claims, is ignored', async () => {
    const store = new MemoryStore()
    const batcher = new Batcher({ store })
    const receive = webhook({ batcher, provider: 'evolution', providers: { allowUnsigned: 'all' } })
    const post = (body: unknown) => receive(new Request('http://x/', { method: 'POST', body: JSON.stringify(body) }))
    await post(evolution(ANNA, 'AAAA1', { conversation: 'mine' }))
    for (const participant of [undefined, `${ANNA}@s.whatsapp.net`]) {
      const key = { remoteJid: GROUP, fromMe: false, id: 'AAAA1', ...(participant ? { participant } : {}) }
      const data = { key, type: 'MESSAGE_EDIT', editedMessage: { conversation: 'other' } }
      const response = await post({ event: 'messages.edited', instance: 'shop', data })
      expect(await response.json()).to.deep.equal({ accepted: 0, duplicates: 0, ignored: 1 })
    }
    expect((await store.conversation(`shop/${GROUP}`)).messages[0]?.message.text).to.equal('mine')
  })
})
