/**
 * Text from outside on a terminal: whatever a stranger puts into an id, a name, an error or a body, no command writes a
 * character that acts on the terminal instead of being shown.
 */
import { expect } from 'chai'
import { Batcher } from '../../src/batcher.js'
import { RedisStore } from '../../src/store/redis/store.js'
import { type LullProcess, lull } from '../support/processes.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const ACTIVE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u
/** Clears the screen, sounds the bell, sets the title by C1, turns the direction, forges a line. */
const EVIL = '\u001b[2J\u0007\u009b31m\u009d0;title\u009c\u007f\u202eevil\u2066\u200f\u061c\u2028\n✓ all is well'
const CHAT = `chat${EVIL}`
const DEAD = `dead${EVIL}`

describe('every command, with ids, names and errors full of control and bidirectional characters', function () {
  this.timeout(120_000)
  const running: LullProcess[] = []
  let env: Record<string, string>
  let batcher: Batcher
  let deadId: string

  before(async () => {
    const redis = await testRedis()
    const prefix = uniquePrefix()
    env = { REDIS_URL: redis, LULL_PREFIX: prefix, LULL_QUEUE: `queue-${prefix}`, LULL_QUIET_GAP_MS: '50' }
    batcher = new Batcher({ redis, prefix, quietGapMs: 50_000 })
    const store = new RedisStore({ redis, prefix, rules: { ...batcher.store.rules, maxAttempts: 1 } })
    await store.open()
    await batcher.append(DEAD, evil('m0'))
    await batcher.flush(DEAD)
    const { batches } = await store.claim({ owner: `lull.${EVIL}`, maxBatches: 1, maxBytes: 1e6 })
    const { batchId = '', lease = 0 } = batches[0] ?? {}
    await store.nack({ batchId, lease, delayMs: 0, counts: true, error: `it said ${EVIL}` })
    deadId = batchId
    await store.close()
    await batcher.append(CHAT, evil('m1'))
  })

  after(async () => {
    for (const command of running) await command.kill()
    await batcher.close()
  })

  const evil = (id: string) => ({ messageId: id + EVIL, text: EVIL, senderName: EVIL, senderId: EVIL })

  const start = async (args: string[], more: Record<string, string> = {}) => {
    const command = await lull(args, { ...env, ...more })
    running.push(command)
    return command
  }

  /** The command's whole output, checked line by line. */
  const checked = ({ stdout, stderr }: LullProcess) => {
    const lines = [...stdout, ...stderr]
    for (const line of lines) {
      expect(line).not.to.match(ACTIVE)
      expect(line, 'a line that the text has forged').not.to.match(/^✓ all is well/)
    }
    return lines
  }

  const ended = async (...args: string[]) => {
    const command = await start(args)
    await command.exit
    return checked(command).join('\n')
  }

  it('doctor, trace, dead and their --json show none', async () => {
    for (const args of [['doctor'], ['doctor', '--json'], ['trace'], ['trace', CHAT], ['trace', DEAD], ['dead']])
      expect(await ended(...args), args.join(' ')).to.match(/./)
    for (const args of [
      ['trace', '--json'],
      ['trace', DEAD, '--json'],
      ['dead', '--json'],
    ])
      expect(JSON.parse((await ended(...args)).split('\n')[0] ?? '')).to.have.property('conversationId')
    expect(JSON.parse(await ended('dead', '--json'))).to.deep.equal((await batcher.dead())[0])
  })

  it('errors of usage, settings and unknown ids show none', async () => {
    for (const args of [[EVIL], [`--${EVIL}`], ['trace', `no${EVIL}`], ['flush', `no${EVIL}`], ['flush', 'chat']])
      expect(await ended(...args), args.join(' ')).to.match(/./)
    for (const args of [
      ['drop', EVIL],
      ['forget', `no${EVIL}`],
      ['dead', 'redrive', EVIL],
      ['up', '--port', EVIL],
    ])
      expect(await ended(...args), args.join(' ')).to.match(/./)
    for (const name of ['LULL_PREFIX', 'REDIS_URL', 'LULL_QUIET_GAP', 'LULL_QUIET_GAP_MS']) {
      const command = await start(['trace'], { [name]: EVIL })
      await command.exit
      checked(command)
    }
    const worker = await start(['worker'], { LULL_WORKER_HANDLER: `/nowhere/${EVIL}` })
    await worker.exit
    expect(checked(worker).join('\n')).to.include('lull: handler /nowhere/')
  })

  for (const json of [false, true])
    it(`watch${json ? ' --json' : ''} shows none`, async () => {
      const watch = await start(json ? ['watch', '--json'] : ['watch'])
      let sent = 0
      await until(async () => {
        await batcher.append(`watched${EVIL}`, evil(`w${json}${sent++}`))
        return watch.stdout.length > 1
      })
      await watch.stop('SIGINT')
      if (json) expect(JSON.parse(watch.stdout[0] ?? '').conversationId).to.equal(`watched${EVIL}`)
      checked(watch)
    })

  it('the log of up shows none, at debug too', async () => {
    const settings = { LOG_LEVEL: 'debug', LULL_API_TOKEN: 'token', PORT: '0', LULL_ALLOW_UNSIGNED: 'all' }
    const up = await start(['up'], settings)
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(await up.line(/api listens on/))?.[0]
    for (const path of ['generic', `meta?${encodeURIComponent(EVIL)}`])
      await fetch(`${url}/webhook/whatsapp/batched/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...evil('m9'), chatId: `logged${EVIL}` }),
      })
    await up.line(/"msg":"answered"/)
    await up.stop()
    const line = checked(up).find(text => text.includes('"msg":"appended"'))
    expect(JSON.parse(line ?? '').conversationId).to.equal(`logged${EVIL}`)
  })

  it('pause and resume show none', async () => {
    expect(await ended('pause', `paused${EVIL}`)).to.match(/^paused paused/)
    expect(await ended('pause')).to.match(/^paused/)
    expect(JSON.parse(await ended('pause', '--json')).conversationId).to.equal(`paused${EVIL}`)
    for (const args of [
      ['resume', `no${EVIL}`],
      ['resume', 'paused'],
      ['pause', 'x', '--for', EVIL],
      ['pause', 'x', '--keep', EVIL],
    ])
      expect(await ended(...args), args.join(' ')).to.match(/./)
    expect(await ended('resume', `paused${EVIL}`)).to.match(/^resumed paused/)
  })

  it('settings shows none, whatever is typed or stored', async () => {
    await batcher.open()
    await batcher.store.settings.put(`scope${EVIL}`, JSON.stringify({ [`rule${EVIL}`]: EVIL }), undefined)
    for (const args of [
      ['settings'],
      ['settings', '--json'],
      ['settings', `scope${EVIL}`],
      ['settings', 'set', `scope${EVIL}`, 'maxMessages=7'],
      ['settings', 'set', 'shop', `maxMessages=${EVIL}`],
      ['settings', 'set', 'shop', `max${EVIL}=7`],
      ['settings', 'set', 'shop', EVIL],
      ['settings', 'unset', `scope${EVIL}`, EVIL],
      ['settings', 'unset', `no${EVIL}`],
    ])
      expect(await ended(...args), args.join(' ')).to.match(/./)
  })

  it('flush, drop, dead redrive and forget show none', async () => {
    for (const args of [
      ['dead', 'redrive', deadId],
      ['flush', CHAT],
      ['drop', DEAD],
      ['forget', DEAD],
    ])
      expect(await ended(...args), args.join(' ')).to.match(/./)
    expect(await ended('token', 'rotate')).to.include('have ended')
    await batcher.append(`last${EVIL}`, evil('m5'))
    expect(await ended('drop', `last${EVIL}`)).to.match(/^dropped 1 message of last/)
    expect(await ended('forget', `last${EVIL}`)).to.match(/^forgot last/)
  })
})
