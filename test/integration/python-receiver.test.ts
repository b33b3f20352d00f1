/** examples/receiver.py, with a server in place of Lull’s API: what it does with repeated, foreign and interrupted POSTs. */
import { mkdtemp, rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Webhook } from 'standardwebhooks'
import { freePort, type LullProcess, noPython, pythonExample } from '../support/processes.js'
import { type RecordingServer, recordingServer } from '../support/recording-server.js'
import { until } from '../support/wait.js'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const ANOTHER = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'

const missing = noPython()
const ofPython = missing === undefined ? describe : describe.skip

ofPython(`receiver.py${missing === undefined ? '' : ` (skipped: ${missing})`}`, function () {
  this.timeout(60_000)
  let lull: RecordingServer
  let receiver: LullProcess
  let url: string
  let folder: string
  /** Responds to a commit. */
  let commit: (response: ServerResponse) => void

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lull-receiver-'))
    commit = response => response.end('{"go":true}')
    lull = await recordingServer(({ path }, response) => {
      if (path.includes('/commit')) commit(response)
      else response.end('{"freed":true}')
    })
    await start()
  })

  afterEach(async () => {
    await receiver.stop()
    await lull.stop()
    await rm(folder, { recursive: true })
  })

  async function start() {
    const port = await freePort()
    url = `http://127.0.0.1:${port}/batches`
    receiver = await pythonExample('receiver.py', {
      LULL_HANDOVER_SECRET: SECRET,
      LULL_API_TOKEN: 'token',
      LULL_API_URL: lull.url,
      PORT: String(port),
      RECEIVER_DB: join(folder, 'receiver.db'),
    })
    await receiver.line(/^waiting for batches/)
  }

  const batch = { batchId: 'b1', chatId: '79990000011@c.us', text: 'hi', messages: [{ messageId: 'm1' }] }
  const signed = (secret: string, date: Date, body: string) => new Webhook(secret).sign(batch.batchId, date, body)

  async function post({ secret = SECRET, date = new Date(), body = JSON.stringify(batch), signature = '' } = {}) {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'webhook-id': batch.batchId,
        'webhook-timestamp': String(Math.floor(date.getTime() / 1000)),
        'webhook-signature': signature || signed(secret, date, body),
      },
      body,
    })
    return response.status
  }

  const calls = (route: string) => lull.requests.filter(({ path }) => path.startsWith(`/batches/b1/${route}`))
  const sent = () => receiver.stdout.filter(line => line.startsWith('sent to'))

  it('takes a signed batch with 202, commits, sends, and reports that it is answered', async () => {
    expect(await post()).to.equal(202)
    await until(() => calls('answered').length === 1, { what: 'the report' })
    expect(sent()).to.deep.equal(['sent to 79990000011@c.us: I have read your 1 messages'])
    expect(lull.requests.map(({ path }) => path)).to.deep.equal([
      '/batches/b1/commit?waitMs=60000',
      '/batches/b1/answered',
    ])
    expect(calls('answered')[0]).to.deep.include({ body: { outcome: 'completed' } })
    expect(lull.requests.map(({ headers }) => headers.authorization)).to.deep.equal(['Bearer token', 'Bearer token'])
  })

  it('sends once if the batch comes again, while it works and afterwards', async () => {
    let go = () => {}
    commit = response => {
      go = () => response.end('{"go":true}')
    }
    expect(await post()).to.equal(202)
    await until(() => calls('commit').length === 1, { what: 'the commit' })
    expect(await post()).to.equal(202)
    commit = response => response.end('{"go":true,"again":true}')
    go()
    await until(() => calls('answered').length === 1, { what: 'the report' })
    expect(await post()).to.equal(202)
    await until(() => calls('answered').length === 2, { what: 'the second report' })
    expect(sent()).to.have.lengthOf(1)
    expect(receiver.stdout).to.include('b1 was sent before')
    expect(calls('commit')).to.have.lengthOf(2)
  })

  it('goes on after a kill with what it had taken, and sends it once', async () => {
    commit = () => {}
    expect(await post()).to.equal(202)
    await until(() => calls('commit').length === 1, { what: 'the commit' })
    await receiver.kill()
    commit = response => response.end('{"go":true,"again":true}')
    await start()
    await until(() => calls('answered').length === 1, { what: 'the report' })
    expect(sent()).to.have.lengthOf(1)
    await receiver.stop()
    await start()
    await post()
    await until(() => calls('answered').length === 2, { what: 'the report of the repeated batch' })
    expect(sent()).to.have.lengthOf(0)
  })

  it('sends and reports nothing that was superseded', async () => {
    commit = response => {
      response.statusCode = 409
      response.end('{"superseded":"b2"}')
    }
    expect(await post()).to.equal(202)
    await receiver.line(/^sent nothing for b1$/)
    expect(receiver.stdout).to.include('b1 was superseded by b2')
    expect(sent()).to.deep.equal([])
    expect(calls('answered')).to.deep.equal([])
  })

  it('asks again while Lull is away, and while it is too early', async () => {
    const statuses = [503, 425, 200]
    commit = response => {
      response.statusCode = statuses.shift() ?? 200
      response.setHeader('retry-after', '0')
      response.end('{"waitMs":1}')
    }
    await post()
    await until(() => calls('answered').length === 1, { what: 'the report' })
    expect(calls('commit')).to.have.lengthOf(3)
    expect(sent()).to.have.lengthOf(1)
  })

  it('refuses what is not signed with its secret, is changed or is old', async () => {
    const now = new Date()
    const old = new Date(Date.now() - 3_600_000)
    expect(await post({ secret: ANOTHER })).to.equal(401)
    expect(await post({ signature: 'v1,bm90IGl0' })).to.equal(401)
    expect(await post({ body: '{"batchId":"b2"}', signature: signed(SECRET, now, JSON.stringify(batch)) })).to.equal(
      401,
    )
    expect(await post({ date: old })).to.equal(401)
    expect(lull.requests).to.deep.equal([])
    // One of several signatures is enough, while the secret is being changed.
    const both = `${signed(ANOTHER, now, JSON.stringify(batch))} ${signed(SECRET, now, JSON.stringify(batch))}`
    expect(await post({ date: now, signature: both })).to.equal(202)
  })
})
