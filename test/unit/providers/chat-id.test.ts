/** A person's id in the forms that programs on WhatsApp Web write it. */
import { expect } from 'chai'
import { chatIdFrom } from '../../../src/providers/chat-id.js'

const PHONE = '79000000011@c.us'
const LID = '245000000000001@lid'

describe('a person’s id', () => {
  const forms: [string, string][] = [
    ['79000000011', PHONE],
    ['+7 (900) 000-00-11', PHONE],
    ['whatsapp:+79000000011', PHONE],
    ['79000000011@C.US', PHONE],
    ['+79000000011@c.us', PHONE],
    ['79000000011@s.whatsapp.net', PHONE],
    ['79000000011:12@s.whatsapp.net', PHONE],
    ['79000000011.0:12@s.whatsapp.net', PHONE],
    ['79000000011_1:12@s.whatsapp.net', PHONE],
    ['79000000011:99@hosted', PHONE],
    ['245000000000001:12@lid', LID],
    ['245000000000001.1:12@lid', LID],
    ['245000000000001:99@hosted.lid', LID],
  ]
  for (const [form, id] of forms)
    it(`is one, written as ${form}`, () => {
      expect(chatIdFrom(form)).to.equal(id)
    })

  it('keeps what follows letters: two users of a program are two people', () => {
    const ids = ['user_1@c.us', 'user_2@c.us', 'shop.12@lid', 'shop.13@lid', 'user@c.us']
    expect(ids.map(chatIdFrom)).to.deep.equal(ids)
  })

  it('stays as it is in other domains, of groups, and of other messengers', () => {
    for (const id of ['1203.1@g.us', '79000000011-1500000000@g.us', 'maria:12@instagram', '-100123450021', '@maria'])
      expect(chatIdFrom(id)).to.equal(id)
  })
})
