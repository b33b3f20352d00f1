/**
 * The queue's board at `/queues`: behind the page's token, under a Content-Security-Policy, with the jobs that are in
 * the queue.
 */
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { expect } from 'chai'
import { type Browsing, browse, inBrowser } from '../support/browser.js'
import { reads, type ServedPage, servePage } from '../support/page.js'
import { freePort } from '../support/processes.js'

/**
 * The playground's bot takes a gap and 3 s for an answer: long enough to look at its job on the board, however slow the
 * browser. Each message is due at once.
 */
const SLOW_ANSWERS = {
  LULL_QUIET_GAP_MS: '25000',
  LULL_MAX_WAIT_MS: '25000',
  LULL_MAX_MESSAGES: '1',
  LULL_SHUTDOWN_MS: '500',
}

inBrowser('queue board', function () {
  this.timeout(60_000)
  let browsing: Browsing

  before(async () => {
    browsing = await browse()
  })
  after(() => browsing.close())

  afterEach(() => {
    // Its authors preload scripts that it may not need.
    const complaints = browsing.complaints.splice(0).filter(text => !text.includes('preloaded using link preload'))
    expect(complaints, 'what the console says').to.deep.equal([])
  })

  const serving = async (env: Record<string, string>, work: (served: ServedPage) => Promise<void>) => {
    const served = await servePage({ LULL_QUIET_GAP_MS: '100', ...env })
    try {
      await work(served)
    } finally {
      await served.stop()
    }
  }

  it('opens from the page, and shows a batch as a job, with what was written', () =>
    serving({ LULL_JOB_TEXTS: 'keep' }, async served => {
      const page = await served.open(browsing)
      await served.append('shop/7900@c.us', 'hi', 'a cake')
      await page.getByRole('link', { name: 'Queue' }).click()
      await page.waitForURL(`${served.url}/queues`)
      await page
        .getByRole('link', { name: new RegExp(`queue-${served.prefix}`) })
        .first()
        .click()
      await page.locator('a[href*="status=completed"]').first().click()
      await reads(page.locator('main'), /shop\/7900@c\.us/)
      await reads(page.locator('main'), /a cake/)
      await page.context().close()
    }))

  it('shows no text if texts are hidden', () =>
    serving({ LULL_SHOW_TEXTS: 'off', LULL_JOB_TEXTS: 'keep' }, async served => {
      const page = await served.open(browsing)
      await served.append('shop/7900@c.us', 'a secret')
      await page.goto(`${served.url}/queues/queue/queue-${served.prefix}?status=completed`)
      await reads(page.locator('main'), /1 \(hidden\)/)
      expect(await page.content()).not.to.include('secret')
      await page.context().close()
    }))

  it('shows of an answered job how many messages it had', () =>
    serving({ LULL_SHOW_TEXTS: 'off' }, async served => {
      const page = await served.open(browsing)
      await served.append('shop/7900@c.us', 'a secret')
      const pageOfJobs = `${served.url}/queues/queue/queue-${served.prefix}?status=completed`
      await page.goto(pageOfJobs)
      await reads(page.locator('main'), /erased/)
      expect(await page.content()).not.to.include('secret')
      await page.context().close()
    }))

  it('redirects a browser without the token to the page, which asks for it', () =>
    serving({}, async served => {
      for (const path of ['/queues', '/queues/queue/messages']) {
        const page = await browsing.open(served.url + path)
        await page.getByLabel(/needs the token/).waitFor()
        expect(page.url()).to.equal(`${served.url}/`)
        await page.context().close()
      }
      const asked = await fetch(`${served.url}/queues/api/queues`)
      expect(asked.status).to.equal(401)
      browsing.complaints.length = 0
    }))

  it('refuses another method and an unknown path in JSON, as other routes do', () =>
    serving({}, async served => {
      const headers = { Authorization: 'Bearer a-token-of-the-page' }
      const refused = async (method: string, path: string) => {
        const response = await fetch(served.url + path, { method, headers })
        const body: unknown = await response.json()
        expect(body).to.have.property('error').that.is.a('string')
        return [response.status, response.headers.get('allow')]
      }
      expect(await refused('POST', '/queues')).to.deep.equal([405, 'GET, HEAD'])
      expect(await refused('PATCH', '/queues/api/queues')).to.deep.equal([405, 'GET, HEAD'])
      expect(await refused('GET', '/queues/nothing')).to.deep.equal([404, null])
      expect((await fetch(`${served.url}/queues`, { method: 'HEAD', headers })).status).to.equal(200)
    }))

  it('works behind a proxy that removes a path prefix, as the page does', () =>
    serving(SLOW_ANSWERS, async served => {
      const { port } = new URL(served.url)
      const proxy = createServer((incoming, outgoing) => {
        const options = { port, method: incoming.method, headers: incoming.headers }
        const passedOn = request({ ...options, path: (incoming.url ?? '').replace('/lull', '') }, response => {
          outgoing.writeHead(response.statusCode ?? 502, response.headers)
          response.pipe(outgoing)
        })
        passedOn.on('error', () => outgoing.destroy())
        outgoing.on('close', () => passedOn.destroy())
        incoming.pipe(passedOn)
      })
      const proxyPort = await freePort()
      proxy.listen(proxyPort, '127.0.0.1')
      await once(proxy, 'listening')
      try {
        const page = await browsing.open(`http://127.0.0.1:${proxyPort}/lull/?token=a-token-of-the-page`)
        await page.getByRole('button', { name: 'Tell a story' }).waitFor()
        const anna = page.getByRole('article').filter({ hasText: 'Anna' })
        await anna.getByRole('textbox').fill('hi')
        await anna.getByRole('textbox').press('Enter')
        await reads(anna.locator('.batch'), /^hi\s+Released as one/)
        await page.getByRole('link', { name: 'Queue' }).click()
        await page
          .getByRole('link', { name: new RegExp(`queue-${served.prefix}`) })
          .first()
          .click()
        await page.locator('a[href*="status=active"]').first().click()
        await reads(page.locator('main'), /playground\/anna/)
        expect(new URL(page.url()).pathname).to.equal(`/lull/queues/queue/queue-${served.prefix}`)
        await page.reload()
        await reads(page.locator('main'), /playground\/anna/)
        await page.context().close()
      } finally {
        proxy.closeAllConnections()
        proxy.close()
      }
    }))
})
