import { expect } from 'chai'
import { createLog } from '../../../src/log.js'

/** What is written by a log of this level. */
function written(
  level: 'info' | 'debug',
  forPeople: boolean,
  work: (log: ReturnType<typeof createLog>) => void,
): string {
  const lines: string[] = []
  work(createLog({ level, forPeople, destination: { write: (line: string) => void lines.push(line) } }))
  return lines.join('')
}

/** As ioredis throws it: with the command that failed, and its arguments. */
const wrongPassword = () =>
  Object.assign(new Error('WRONGPASS invalid'), { command: { name: 'auth', args: ['hush'] }, code: 'X' })

describe('log', () => {
  for (const forPeople of [false, true])
    it(`${forPeople ? 'lines for people' : 'JSON lines'}: no secret at three depths, and no arguments of a failed command`, () => {
      const text = written('debug', forPeople, log => {
        log.info(
          { password: 'hush', redis: { password: 'hush' }, req: { headers: { authorization: 'hush' } } },
          'started',
        )
        log.warn({ err: wrongPassword() }, 'refused')
      })
      expect(text).not.to.include('hush')
      expect(text).to.include('started').and.to.include('refused').and.to.include('WRONGPASS invalid')
    })

  it('an error has its stack only at levels debug and trace', () => {
    expect(written('info', false, log => log.error({ err: wrongPassword() }, 'x'))).not.to.include('log.test.ts')
    expect(written('debug', false, log => log.error({ err: wrongPassword() }, 'x'))).to.include('log.test.ts')
  })

  it('text from outside neither moves the cursor nor starts a line', () => {
    for (const forPeople of [false, true]) {
      const text = written('info', forPeople, log => log.info({ text: 'a\u001b[2J' }, 'b\u001b[2J\nc'))
      expect(text)
        .to.match(/^[^\n]+\n$/)
        .and.not.to.include('\u001b[2J')
    }
  })

  it('one event is one line, in both formats', () => {
    for (const forPeople of [false, true])
      expect(written('info', forPeople, log => log.error({ err: wrongPassword(), a: { b: 1 } }, 'x'))).to.match(
        /^[^\n]+\n$/,
      )
  })
})
