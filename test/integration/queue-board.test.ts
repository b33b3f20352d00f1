/** The queue's board at `/queues`: behind the page's token, under a Content-Security-Policy, with the jobs that are in the queue. */
import { expect } from 'chai'
import { type Browsing, browse, inBrowser } from '../support/browser.js'
import { reads, type ServedPage, servePage } from '../support/page.js'

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
    serving({}, async served => {
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

  it('hides what was written where texts are hidden', () =>
    serving({ LULL_SHOW_TEXTS: 'off' }, async served => {
      const page = await served.open(browsing)
      await served.append('shop/7900@c.us', 'a secret')
      await page.goto(`${served.url}/queues/queue/queue-${served.prefix}?status=completed`)
      await reads(page.locator('main'), /1 \(hidden\)/)
      expect(await page.content()).not.to.include('secret')
      await page.context().close()
    }))

  it('sends whoever has no token to the page, which asks for it', () =>
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
})
