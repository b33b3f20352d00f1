/** The page's trace: who took a batch, when and why, as a picture and in words, also while its life goes on. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Batcher } from '../../src/batcher.js'
import { type Browsing, inBrowser } from '../support/browser.js'
import { faultsOf, onOnePage, PHONE, reads, type ServedPage, servePage } from '../support/page.js'
import { freePort, lull } from '../support/processes.js'
import { testRedis, uniquePrefix } from '../support/redis.js'

inBrowser('page: trace', function () {
  this.timeout(90_000)
  let browsing: Browsing
  let served: ServedPage
  onOnePage(shared => {
    browsing = shared.browsing
    served = shared.served
  })

  it('shows who took a batch, when and why, as a picture and in words', async () => {
    await served.append('shop/7900@c.us', 'hi', 'a cake')
    const page = await served.open(browsing)
    await page.getByRole('link', { name: 'Trace', exact: true }).click()
    await page.getByRole('combobox', { name: 'Conversation' }).fill('shop/7900@c.us')
    await page.getByRole('button', { name: 'Show' }).click()
    await reads(
      page.locator('.life .taken').first(),
      /^Taken by lull\.processor\.\S+ at \d\d:\d\d:\d\d\.\d{3} because the quiet gap had ended; \d+\u00a0ms late\.$/,
    )
    await page
      .getByRole('img', { name: /^Timeline of 2 messages from the first message: .*quiet gap 2\.50 s/ })
      .waitFor()
    await page.getByText('Every step').click()
    await reads(page.locator('.life table'), /opened[\s\S]*claimed[\s\S]*handed-over[\s\S]*answered/)
    expect(await faultsOf(page)).to.deep.equal([])
    await page.context().close()
  })

  it('calls a batch overdue that no processor takes, and puts a step’s details below it on a phone', async () => {
    const [redis, prefix, port] = [await testRedis(), uniquePrefix(), await freePort()]
    const env = { REDIS_URL: redis, LULL_PREFIX: prefix, LULL_QUEUE: `queue-${prefix}`, LULL_QUIET_GAP_MS: '300' }
    const api = await lull(['api'], { ...env, LULL_API_TOKEN: 'a-token', PORT: `${port}` })
    const batcher = new Batcher({ redis, prefix, quietGapMs: 300 })
    try {
      await api.line(/api listens on/)
      await batcher.append('alone@c.us', { messageId: 'm1', text: 'hi' })
      const page = await browsing.open(`http://127.0.0.1:${port}/?token=a-token`, PHONE)
      await page.waitForURL(`http://127.0.0.1:${port}/`)
      await page.goto(`http://127.0.0.1:${port}/#trace=alone%40c.us`)
      await page.getByRole('img', { name: /: quiet gap 300 ms, due, not taken \d+\.\d+ s$/ }).waitFor()
      await page.getByText('Every step').click()
      const detail = page.locator('.life .detail').first()
      await reads(detail, /^1 message · m1$/)
      expect((await detail.boundingBox())?.width).to.be.greaterThan(250)
      expect(await faultsOf(page)).to.deep.equal([])
      await page.context().close()
    } finally {
      await batcher.close()
      await api.stop()
    }
  })

  it('lists the recent conversations without one, newest first, and keeps up', async () => {
    const page = await served.open(browsing)
    await served.append('shop/recent1@c.us', 'hi')
    await page.goto(`${served.url}/#trace`)
    const recent = page.locator('.recent li')
    await reads(recent.first(), /^shop\/recent1@c\.us\s+1 message\s+(collecting|being|answered)/)
    await served.append('shop/recent2@c.us', 'hi', 'you')
    await reads(recent.first(), /^shop\/recent2@c\.us\s+2 messages\s+collecting/)
    expect(await faultsOf(page)).to.deep.equal([])
    await page.getByRole('link', { name: 'shop/recent1@c.us' }).click()
    await page.getByRole('img', { name: /^Timeline of 1 message from/ }).waitFor()
    await page.context().close()
  })

  it('keeps the focus and what is unfolded while a batch’s life goes on', async () => {
    const page = await served.open(browsing)
    await served.append('shop/unfolded@c.us', 'hi')
    await page.goto(`${served.url}/#trace=${encodeURIComponent('shop/unfolded@c.us')}`)
    await page.getByText('Every step').click()
    await served.append('shop/unfolded@c.us', 'more')
    await reads(page.locator('.life table'), /opened[\s\S]*appended[\s\S]*claimed/)
    expect(await page.evaluate('document.activeElement.tagName')).to.equal('SUMMARY')
    await page.context().close()
  })

  it('says which batch superseded another, how many messages came back, and when the answer was committed', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'lull-page-'))
    const handler = join(directory, 'handler.mjs')
    await writeFile(handler, 'export default (batch, { commit }) => commit()')
    const own = await servePage({
      LULL_ANSWERING: 'supersede',
      LULL_EARLY_START_MS: '200',
      LULL_QUIET_GAP_MS: '5000',
      LULL_WORKER_HANDLER: handler,
    })
    try {
      await own.append('shop/7901@c.us', 'hi')
      const page = await own.open(browsing)
      await page.goto(`${own.url}/#trace=${encodeURIComponent('shop/7901@c.us')}`)
      const lives = page.locator('.life')
      await reads(lives.first(), /being answered[\s\S]*because it started before its due time; /)
      await own.append('shop/7901@c.us', 'a cake')
      await reads(lives.last(), /Newer messages superseded it before its answer was committed: batch \S+ has its/)
      await reads(lives.first(), /^Batch[\s\S]*It replaced batch \S+, and took its messages over\./)
      await lives.first().getByText('Every step').click()
      const steps =
        /opened\s+2 messages · 1 of them back from batch [\s\S]*committed\s+its answer may be sent[\s\S]*answered/
      await reads(lives.first().locator('table'), steps)
      expect(await faultsOf(page)).to.deep.equal([])
      await page.getByLabel('Language').selectOption('ru')
      await reads(lives.last(), /^Пачка[\s\S]*её сообщения теперь в пачке \S+\./)
      await reads(lives.first(), /Заменила пачку \S+ и забрала её сообщения\.[\s\S]*ответ можно отправлять/)
      await page.context().close()
    } finally {
      await own.stop()
      await rm(directory, { recursive: true })
    }
  })

  it('says that the history has nothing about a conversation', async () => {
    const page = await served.open(browsing)
    await page.goto(`${served.url}/#trace=nobody`)
    await reads(page.locator('#trace').getByRole('status').first(), /^The history has nothing about nobody\.$/)
    await page.context().close()
  })
})
