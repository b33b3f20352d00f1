/** Shared contacts, as cards of phones and programs write them. */
import { expect } from 'chai'
import { sharedContacts } from '../../../src/providers/contacts.js'

const card = (...lines: string[]) => ['BEGIN:VCARD', ...lines, 'END:VCARD'].join('\r\n')

describe('a shared contact', () => {
  const cards: [string, unknown, object | undefined][] = [
    [
      'has the name in order if the card has only its parts',
      card('N:Петрова;Анна;Ивановна;;'),
      { name: 'Анна Ивановна Петрова' },
    ],
    ['has no marks of the vCard in the name', card('FN:Пётр\\, слесарь'), { name: 'Пётр, слесарь' }],
    ['has a name that is folded', card('FN:Анна Пет', ' рова'), { name: 'Анна Петрова' }],
    ['has WhatsApp’s number if the card’s is empty', card('TEL;waid=79000000099:'), { phones: ['+79000000099'] }],
    ['has a number in version 4', card('TEL;VALUE=uri:tel:+79000000099'), { phones: ['+79000000099'] }],
    [
      'has each number once',
      card('TEL:+7 900', 'TEL;type=CELL:+7 900', 'TEL:+7 901'),
      { phones: ['+7 900', '+7 901'] },
    ],
    ['has the name beside the card', { displayName: 'Аня', vcard: card('FN:Анна') }, { name: 'Аня' }],
    ['has no picture', card('PHOTO;BASE64:AAAA', 'FN:Анна'), { name: 'Анна' }],
    ['is absent if its card is empty', card(), undefined],
    ['is absent if it is another text', 'привет', undefined],
    ['is absent if it is nothing', null, undefined],
  ]
  for (const [what, given, expected] of cards)
    it(what, () => {
      expect(sharedContacts([given])).to.deep.equal(expected && [expected])
    })

  it('has bounds: 100 contacts of 20 numbers, 512 characters each', () => {
    const many = card(`FN:${'я'.repeat(1000)}`, ...Array.from({ length: 50 }, (_, i) => `TEL:+7900${i}`))
    const all = sharedContacts(Array.from({ length: 500 }, () => many))
    expect(all).to.have.lengthOf(100)
    expect(all?.[0]?.name).to.have.lengthOf(512)
    expect(all?.[0]?.phones).to.have.lengthOf(20)
  })
})
