/**
 * Guarantee **compose**: docker-compose.yml builds and starts from a new clone; what people wrote becomes one batch,
 * also when a processor is killed; a stop is clean; what waits survives `docker compose down`.
 */
import { expect } from 'chai'
import { z } from 'zod'
import { noCompose, prepareStack, type Stack } from '../support/compose.js'

const START_TIMEOUT_MS = 240_000
const STEP_TIMEOUT_MS = 180_000
/** The profiles of several Redis servers: REDIS_URL, and which of the servers is killed. */
const PROFILES = {
  sentinel: ['redis+sentinel://sentinel-1,sentinel-2,sentinel-3/0?name=mymaster', 'primary'],
  cluster: ['redis://cluster-1,cluster-2,cluster-3', 'cluster-1'],
} as const
const SERVICE = z.object({ image: z.string(), build: z.unknown().optional() })
const missing = noCompose()
const suite = missing === undefined ? describe : describe.skip

suite(`compose${missing === undefined ? '' : ` (skipped: ${missing})`}`, function () {
  this.timeout(STEP_TIMEOUT_MS)
  let stack: Stack

  before(async function () {
    this.timeout(START_TIMEOUT_MS)
    stack = await prepareStack({ LULL_QUIET_GAP_MS: '3000' })
    await stack.start('--build')
  })

  after(() => stack.close())

  it('no two services build the same image', async () => {
    const { services } = z
      .object({ services: z.record(z.string(), SERVICE) })
      .parse(JSON.parse(await stack.compose('config', '--format', 'json')))
    const built = Object.values(services).flatMap(({ image, build }) => (build === undefined ? [] : [image]))
    expect(built.toSorted()).to.deep.equal([...new Set(built)].toSorted())
    expect(built).to.include(services['worker']?.image)
  })

  it('four messages become one batch', async () => {
    await stack.append('a@c.us', ['1', '2', '3', '4'])
    expect(await stack.answered('a@c.us')).to.deep.equal(['a@c.us: 4 messages by gap: 1 2 3 4'])
  })

  it('`lull doctor` in the API’s container checks the API, too, and finds nothing wrong', async () => {
    const found = await stack.lull('doctor')
    expect(found).to.include('✓ the API at http://127.0.0.1:3000 uses this Redis and database')
    // As redis.conf says.
    expect(found).to.include('✓ append-only file')
  })

  it('processors and workers can be scaled', async () => {
    await stack.start('--scale', 'processor=3', '--scale', 'worker=2')
    const found = await stack.lull('doctor')
    expect(found).to.include('✓ 3 processors').and.to.include('✓ 2 workers')
  })

  it('every conversation gets one batch although a processor is killed', async () => {
    const conversations = Array.from({ length: 12 }, (_, i) => `killed-${i}`)
    for (const each of conversations) await stack.append(each, ['1', '2'])
    const [processor] = (await stack.containers()).filter(({ Service }) => Service === 'processor')
    await stack.kill(processor?.Name ?? '')
    for (const each of conversations) {
      const [line = '', ...more] = await stack.answered(each)
      expect(line).to.match(new RegExp(`^${each}: 2 messages by \\w+: 1 2$`))
      expect(more).to.deep.equal([])
    }
    await stack.compose('rm', '--force')
  })

  it('a stop ends every process by itself, within its grace', async () => {
    await stack.compose('stop', 'processor')
    await stack.append('kept@c.us', ['1', '2'])
    await stack.compose('stop')
    const ended = (await stack.containers()).map(({ Service, State, ExitCode }) => ({ Service, State, ExitCode }))
    // A process that Docker has to kill has the exit code 137.
    for (const each of ended) expect(each).to.include({ State: 'exited', ExitCode: 0 })
  })

  it('what waits is kept when all containers are removed', async () => {
    await stack.compose('down')
    await stack.start()
    const [line = ''] = await stack.answered('kept@c.us')
    expect(line).to.match(/^kept@c\.us: 2 messages by \w+: 1 2$/)
  })

  it('a worker of an image FROM lull calls its own handler, with packages of its own', async () => {
    stack.ownImage(true)
    await stack.compose('build', 'worker')
    await stack.start()
    await stack.append('own@c.us', ['1', '2'])
    expect(await stack.answered('own@c.us')).to.deep.equal(['own@c.us: here the bot would answer: I have read “1 · 2”'])
    await stack.compose('stop', 'worker')
    const [worker] = (await stack.containers()).filter(({ Service }) => Service === 'worker')
    expect(worker).to.include({ State: 'exited', ExitCode: 0 })
    stack.ownImage(false)
  })

  for (const [profile, [url, primary]] of Object.entries(PROFILES))
    it(`profile ${profile}: four messages become one batch, also after a primary was killed`, async () => {
      await stack.compose('down', '--volumes')
      stack.configure({ COMPOSE_PROFILES: profile, COMPOSE_REDIS_URL: url, REDIS_PASSWORD: 'a-password' })
      await stack.start()
      for (const conversation of [`${profile}-1`, `${profile}-2`]) {
        await stack.append(conversation, ['1', '2', '3', '4'])
        expect(await stack.answered(conversation)).to.deep.equal([`${conversation}: 4 messages by gap: 1 2 3 4`])
        await stack.compose('kill', primary)
      }
    })
})
