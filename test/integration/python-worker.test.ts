/**
 * examples/worker_bullmq.py, with a stand-in for BullMQ's package, which CI cannot install, and one for Lull's API: what
 * it does with each answer to its commit.
 */
import type { ServerResponse } from 'node:http'
import { expect } from 'chai'
import { type LullProcess, noPython, pythonExample } from '../support/processes.js'
import { type RecordingServer, recordingServer } from '../support/recording-server.js'

const missing = noPython()
const ofPython = missing === undefined ? describe : describe.skip
const packages = new URL('../support/python', import.meta.url).pathname

ofPython(`worker_bullmq.py${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let lull: RecordingServer
  let worker: LullProcess | undefined
  let statuses: number[]

  beforeEach(async () => {
    lull = await recordingServer((_, response: ServerResponse) => {
      response.statusCode = statuses.shift() ?? 200
      response.end('{}')
    })
  })

  afterEach(async () => {
    await worker?.stop()
    await lull.stop()
  })

  async function ended(...answers: number[]) {
    statuses = answers
    worker = await pythonExample('worker_bullmq.py', {
      PYTHONPATH: packages,
      PYTHONDONTWRITEBYTECODE: '1',
      LULL_API_URL: lull.url,
      LULL_API_TOKEN: 'token',
      REDIS_URL: 'redis://127.0.0.1:6379',
      JOB: JSON.stringify({ batchId: 'b1', chatId: '79990000011@c.us', text: 'hi', messages: [{ messageId: 'm1' }] }),
    })
    const end = await worker.line(/^(completed|failed) /)
    return { end, sent: worker.stdout.filter(line => line.startsWith('sent to')) }
  }

  it('sends what is granted, after as many commits as it takes', async () => {
    const { end, sent } = await ended(425, 200)
    expect(end).to.equal('completed null')
    expect(sent).to.deep.equal(['sent to 79990000011@c.us: I have read your 1 messages'])
    expect(lull.requests.map(({ method, path, headers }) => [method, path, headers.authorization])).to.deep.equal([
      ['POST', '/batches/b1/commit?waitMs=60000', 'Bearer token'],
      ['POST', '/batches/b1/commit?waitMs=60000', 'Bearer token'],
    ])
  })

  for (const status of [409, 410])
    it(`sends nothing after a commit that was answered ${status}, and says that it was superseded`, async () => {
      expect(await ended(status)).to.deep.equal({ end: 'completed {"superseded": true}', sent: [] })
    })

  it('fails its attempt, and sends nothing, if Lull cannot be asked', async () => {
    const { end, sent } = await ended(503)
    expect(end).to.equal('failed the commit was answered 503: {}')
    expect(sent).to.deep.equal([])
  })

  it('stops by SIGTERM, after its job', async () => {
    await ended(200)
    expect(await worker?.stop()).to.deep.equal({ code: 0, signal: null })
    expect(worker?.stdout.at(-1)).to.equal('closed')
  })
})
