/**
 * The page in a real browser, over a whole `lull up`: its connection, its token, and that it works on a phone, for axe,
 * in dark colours and in Russian. Its views have files of their own: page-playground, page-trace, page-live.
 */
import { expect } from 'chai'
import { type Browsing, inBrowser } from '../support/browser.js'
import { CUT_TEXTS, faultsOf, laneOf, onOnePage, PHONE, reads, type ServedPage, servePage } from '../support/page.js'
import { privateRedis } from '../support/redis.js'

const VIEWS = ['play', 'live', 'trace']

inBrowser('page', function () {
  this.timeout(90_000)
  let browsing: Browsing
  let served: ServedPage
  onOnePage(shared => {
    browsing = shared.browsing
    served = shared.served
  })

  it('says that the connection is lost, and reconnects by itself', async () => {
    const mortal = await servePage()
    try {
      const page = await mortal.open(browsing)
      await page.evaluate('window.isTheSame = true')
      await page.setViewportSize(PHONE.viewport)
      await page.evaluate('scrollTo(0, 1e6)')
      await mortal.stop()
      await reads(
        page.getByRole('alert'),
        /^The connection to Lull was lost at \d\d:\d\d:\d\d\. What you see is from then/,
      )
      await reads(page.locator('#connection'), /^connection lost$/)
      expect(await page.title()).to.equal('⚠ Playground · Lull')
      expect((await page.getByRole('alert').boundingBox())?.y, 'in sight, however far one has scrolled').to.be.within(
        0,
        200,
      )
      await mortal.start()
      await reads(page.locator('#connection'), /^connected$/)
      expect(await page.getByRole('alert').isVisible()).to.equal(false)
      expect(await page.evaluate('window.isTheSame')).to.equal(true)
      const anna = laneOf(page, 'Anna')
      await anna.getByRole('textbox').fill('still there?')
      await anna.getByRole('textbox').press('Enter')
      await reads(anna.locator('.status'), /^1 message, collecting/)
      await page.context().close()
    } finally {
      await mortal.stop()
      // The console must log that the server does not answer.
      browsing.complaints.length = 0
    }
  })

  it('says that Redis is unavailable, and gives no verdict until Redis is back', async () => {
    const redis = await privateRedis({ args: ['--appendonly', 'yes'] })
    const standing = await servePage({ REDIS_URL: redis.url })
    try {
      const page = await standing.open(browsing)
      await page.getByRole('link', { name: 'Live' }).click()
      await reads(page.locator('.verdict'), /^All is well/)
      await redis.kill()
      await reads(page.getByRole('alert'), /^Redis is unavailable: Redis at redis:\S+ can ?not be reached/)
      await reads(page.locator('#connection'), /^no Redis$/)
      expect(await page.locator('.verdict').isVisible()).to.equal(false)
      await page.goto(`${standing.url}/#trace=chat`)
      await reads(page.locator('#trace [role=status]').first(), /^It failed: Redis /)
      await redis.restart()
      await reads(page.locator('.rules summary'), /^Rules\s+as for all conversations$/)
      await reads(page.locator('.rules .note'), /^$/)
      await page.getByRole('link', { name: 'Live' }).click()
      await reads(page.locator('#connection'), /^connected$/)
      await reads(page.locator('.verdict:visible'), /^All is well/)
      await page.context().close()
    } finally {
      await standing.stop()
      await redis.stop()
      browsing.complaints.length = 0
    }
  })

  it('asks for the token, and opens with it', async () => {
    const page = await browsing.open(served.url)
    const alert = page.getByRole('alert')
    expect(await alert.count()).to.equal(0)
    await page.getByLabel(/needs the token/).fill('another')
    await page.getByRole('button', { name: 'Open' }).click()
    await reads(alert, /^That is not the token$/)
    expect(await faultsOf(page)).to.deep.equal([])
    // The page itself is what was answered 401, twice.
    browsing.complaints.length = 0
    await page.getByLabel(/needs the token/).fill('a-token-of-the-page')
    await page.getByRole('button', { name: 'Open' }).click()
    await laneOf(page, 'Anna').waitFor()
    await reads(page.locator('#connection'), /^connected$/)
    expect(page.url()).to.equal(`${served.url}/`)
    await page.context().close()
  })

  it('drops the link’s token from the address and the history', async () => {
    const page = await served.open(browsing)
    expect(page.url()).to.equal(`${served.url}/`)
    expect(await page.evaluate('document.cookie'), 'a script can read no cookie').to.equal('')
    await page.context().close()
  })

  describe('for every reader', () => {
    for (const colorScheme of ['light', 'dark'] as const)
      it(`has no fault that axe finds, in ${colorScheme} colours`, async () => {
        const page = await served.open(browsing, { colorScheme })
        await laneOf(page, 'Anna').getByRole('textbox').fill('hi\nthere')
        await laneOf(page, 'Anna').getByRole('textbox').press('Enter')
        await page.locator('.batch .bar').waitFor()
        for (const view of VIEWS) {
          await page.evaluate(`location.hash = ${JSON.stringify(view)}`)
          await page.locator(`#${view} h2`).waitFor()
          expect(await faultsOf(page), view).to.deep.equal([])
        }
        await page.context().close()
      })

    for (const [locale, title] of [
      ['en-GB', 'Write as people do: in bursts'],
      ['ru-RU', 'Пишите как в жизни: сообщение за сообщением'],
    ] as const)
      it(`fits a phone, in ${locale}`, async () => {
        const page = await served.open(browsing, { ...PHONE, locale })
        await page.getByRole('heading', { name: title }).waitFor()
        await page
          .locator('textarea')
          .first()
          .fill(`${'long'.repeat(40)}\nand short`)
        await page.locator('textarea').first().press('Enter')
        await page.locator('.batch .bar').first().waitFor()
        const id = (await page.locator('.person .id').first().textContent()) ?? ''
        for (const hash of ['play', 'live', `trace=${encodeURIComponent(id)}`, 'trace']) {
          await page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
          await page.locator(`#${hash.split('=')[0]} h2`).waitFor()
          if (hash.includes('=')) await page.locator('.timeline').first().waitFor()
          expect(await page.evaluate('document.documentElement.scrollWidth'), hash).to.equal(360)
          expect(await page.evaluate(CUT_TEXTS), hash).to.deep.equal([])
        }
        await page.context().close()
      })

    it('speaks the browser’s language, and another one when it is chosen', async () => {
      const page = await served.open(browsing, { locale: 'ru-RU' })
      expect(await page.evaluate('document.documentElement.lang')).to.equal('ru')
      await page.getByLabel('Язык').selectOption('en')
      await page.getByRole('heading', { name: 'Write as people do: in bursts' }).waitFor()
      await page.reload()
      await page.getByRole('heading', { name: 'Write as people do: in bursts' }).waitFor()
      await page.getByLabel('Language').selectOption('ru')
      await page.getByRole('link', { name: 'Сейчас' }).click()
      const latin = /[A-Za-z]{3,}/
      const words = (await page.locator('#live h2, #live h3, .tile span').allInnerTexts()).filter(text =>
        latin.test(text),
      )
      expect(words).to.deep.equal([])
      await page.context().close()
    })
  })
})
