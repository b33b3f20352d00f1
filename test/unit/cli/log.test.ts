import { expect } from 'chai'
import { KNOWN } from '../../../src/config/known.js'
import { declaredIn } from '../../../src/config/setting.js'
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
    it(`${forPeople ? 'lines for people' : 'JSON lines'}: no secret at any depth, and no arguments of a failed command`, () => {
      const text = written('debug', forPeople, log => {
        log.info(
          {
            password: 'hush',
            redis: { password: 'hush' },
            req: { headers: { authorization: 'hush' } },
            list: [{ a: { b: { token: 'hush' } } }],
            far: { a: { b: { c: { d: { e: { f: { token: 'hush' } } } } } } },
          },
          'started',
        )
        log.warn({ err: wrongPassword() }, 'refused')
      })
      expect(text).not.to.include('hush')
      expect(text).to.include('started').and.to.include('refused').and.to.include('WRONGPASS invalid')
    })

  it('the value of a setting that is a secret is not logged, whichever provider declares it', () => {
    for (const { option, settings } of KNOWN.providers.list)
      for (const [name, { isSecret }] of settings ? declaredIn(settings) : [])
        if (isSecret) {
          const text = written('info', false, log =>
            log.info({ providers: { [option ?? '']: { [name]: 'hush' } } }, 'started'),
          )
          expect(text, `${option}.${name}`).to.include('***').and.not.to.include('hush')
        }
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
