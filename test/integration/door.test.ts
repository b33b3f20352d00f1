/**
 * Guarantee **door**: what providers really post arrives: at the addresses that they make, and with files in the body.
 * The reported bodies with a `path` or an `inflate` are posted to a running API, and no byte of a file reaches Redis.
 */
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { monitor } from '../support/monitor.js'
import { pipeline } from '../support/pipeline.js'
import { reports } from '../support/reports.js'

const folder = new URL('../fixtures/reports/', import.meta.url)
const posted = Object.entries(reports).filter(([, { path, inflate }]) => path !== undefined || inflate !== undefined)

/** The field at a path made as long as it is in the wild, with base64. */
function inflated(value: unknown, [name, ...rest]: string[], bytes: number): unknown {
  if (name === undefined) return 'A'.repeat(bytes)
  if (typeof value !== 'object' || value === null) throw new Error(`there is no ${name}`)
  return { ...value, [name]: inflated(Reflect.get(value, name), rest, bytes) }
}

describe('door', function () {
  this.timeout(30_000)
  const releases: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const release of releases.splice(0).reverse()) await release()
  })

  it('there are reports of addresses and of files in the body', () => {
    expect(posted.length).to.be.at.least(2)
  })

  for (const [file, report] of posted)
    for (const raw of [false, true])
      it(`${file} arrives${raw ? ' with raw' : ''}, and its file is not stored (${report.source})`, async () => {
        const line = await pipeline({ rules: { quietGapMs: 100 }, raw })
        releases.push(() => line.stop())
        const watched = await monitor(line.redis)
        const { path = `/webhook/whatsapp/batched/${report.provider}`, inflate } = report
        const body: unknown = JSON.parse(readFileSync(new URL(file, folder), 'utf8'))
        const response = await fetch(new URL(path, line.urls[0]), {
          method: 'POST',
          headers: { 'content-type': report.contentType },
          body: JSON.stringify(inflate ? inflated(body, inflate.at, inflate.bytes) : body),
        })
        expect([response.status, await response.json()]).to.deep.equal([
          200,
          { accepted: report.messages.length, duplicates: 0, ignored: report.ignored.length },
        ])
        const [batch] = await line.received(1)
        const [expected] = report.messages
        const [message] = batch?.messages ?? []
        expect(message).to.include({
          messageId: expected?.['messageId'],
          text: expected?.['text'],
          type: expected?.['type'],
        })
        expect(batch).to.include({ chatId: expected?.['chatId'], account: expected?.['account'] })
        if (inflate) expect(message?.media).to.include({ omitted: 'too large' })
        if (raw) expect(message).to.have.property('raw')
        await watched.stop()
        expect(watched.lines.filter(command => command.includes('A'.repeat(1000)))).to.deep.equal([])
      })
})
