import { expect } from 'chai'
import { oneForm } from '../../../src/providers/phone-forms.js'

describe('phone numbers with two forms', () => {
  const FORMS = {
    'Brazil, an area with the ninth digit': ['5511987654321@c.us', '551187654321@c.us'],
    'Brazil, an area without it': ['553187654321@c.us', '5531987654321@c.us'],
    Mexico: ['5215512345678@c.us', '525512345678@c.us'],
    Argentina: ['5491123456789@c.us', '541123456789@c.us'],
  }
  for (const [name, [form = '', other = '']] of Object.entries(FORMS))
    it(`${name}: both become the form that WhatsApp keeps`, () => {
      expect([oneForm(form), oneForm(other)]).to.deep.equal([form, form])
    })

  it('leave every other id as it is: fixed lines, other countries, groups and hidden ids', () => {
    const ids = ['551133334444@c.us', '553133334444@c.us', '79990000011@c.us', '15551234567@c.us', '5511987654321@lid']
    for (const id of [...ids, '5511987654321@g.us', '-1005511987654', '']) expect(oneForm(id)).to.equal(id)
  })
})
