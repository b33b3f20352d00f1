import { expect } from 'chai'
import { clean, inert, jsonLine, oneLine, written } from '../../../src/cli/show/escape.js'
import { createLog } from '../../../src/log.js'

/** ESC, BEL, DEL, C1 (NEL, CSI, OSC), and every mark, embedding, override and isolate of bidirectional text. */
const ACTIVE = [
  ...[0x00, 0x07, 0x08, 0x0d, 0x1b, 0x7f, 0x85, 0x9b, 0x9d, 0x061c, 0x200e, 0x200f, 0x2028, 0x2029],
  ...[0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069],
].map(code => String.fromCharCode(code))
const EVIL = `a${ACTIVE.join('b')}c`

const rawIn = (text: string) => ACTIVE.filter(character => text.includes(character))

describe('escape', () => {
  it('leaves none of the characters that act on a terminal in a line', () => {
    for (const make of [inert, oneLine, clean, written, (text: string) => written(text, true)])
      expect(rawIn(make(EVIL)), make.name).to.deep.equal([])
    expect(inert('a\nb')).to.equal('a b')
  })

  it('leaves text of every language as it is', () => {
    for (const text of ['שלום', 'مرحبا', 'Привет, мир', '你好', 'naïve 🎂 👩‍👩‍👧']) expect(written(text)).to.equal(text)
  })

  it('keeps line breaks and our own styles, and those only on a terminal with colours', () => {
    expect(written('a\n\u001b[31mb\u001b[39m\u001b[2J', true)).to.equal('a\n\u001b[31mb\u001b[39m [2J')
    expect(written('a\n\u001b[31mb', false)).to.equal('a\n [31mb')
  })

  it('writes JSON with none of them raw, and equal when parsed', () => {
    const line = jsonLine({ [EVIL]: EVIL })
    expect(rawIn(line)).to.deep.equal([])
    expect(JSON.parse(line)).to.deep.equal({ [EVIL]: EVIL })
  })

  for (const forPeople of [true, false])
    it(`leaves none in a log line ${forPeople ? 'for people' : 'of JSON'}, wherever it is`, () => {
      const lines: string[] = []
      const destination = { write: (line: string) => void lines.push(line) }
      const log = createLog({ level: 'debug', forPeople, destination })
      log.warn({ conversationId: EVIL, [EVIL]: { deep: EVIL }, err: new Error(EVIL) }, EVIL)
      expect(lines).to.have.length(1)
      expect(rawIn(lines.join(''))).to.deep.equal([])
      expect(lines.join('')).to.match(/^[^\n]+\n$/)
      if (!forPeople) expect(JSON.parse(lines.join(''))).to.include({ conversationId: EVIL, msg: EVIL })
    })
})
