/** The rules of a conversation on the page: what holds, where it comes from, and how people change it. */
import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { type Browsing, browse, inBrowser } from '../support/browser.js'
import { CUT_TEXTS, faultsOf, PHONE, reads, type ServedPage, servePage } from '../support/page.js'

inBrowser('rules on the page', function () {
  this.timeout(60_000)
  let browsing: Browsing
  let served: ServedPage

  before(async () => {
    browsing = await browse()
    served = await servePage()
  })

  after(async () => {
    await served.stop()
    await browsing.close()
  })

  const opened = async (id: string, options = {}, summary = 'Rules') => {
    const page = await served.open(browsing, options)
    await page.goto(`${served.url}/#trace=${encodeURIComponent(id)}`)
    await page.locator('.rules summary').filter({ hasText: summary }).click()
    await page.locator('.rules form').waitFor()
    return page
  }
  const row = (page: Page, name: string) => page.locator('.rules tbody tr').filter({ hasText: name }).first()
  const note = (page: Page) => page.locator('.rules .note')

  it('are set for an account, hold for its next message, and are named where a batch was released by them', async () => {
    const page = await opened('shop/1@c.us')
    await reads(page.locator('.rules summary'), /^Rules\s+as for all conversations$/)
    await reads(row(page, 'quietGapMs'), /^quietGapMs\s+2500\s+environment$/)
    await page.locator('select[name=scope]').selectOption('account shop')
    await page.getByLabel('Value').fill('300')
    await page.getByRole('button', { name: 'Set', exact: true }).click()
    await reads(note(page), /^Stored\. New messages go by it within a second\.$/)
    await reads(row(page, 'quietGapMs'), /^quietGapMs\s+300\s+account shop$/)
    await reads(page.locator('.rules summary'), /^Rules\s+quietGapMs=300$/)
    expect(await served.get('settings')).to.deep.equal({ settings: [{ scope: 'shop', rules: { quietGapMs: 300 } }] })
    await served.append('shop/1@c.us', 'hi')
    await reads(page.locator('.life .taken').first(), /because the quiet gap of 300\u00a0ms \(shop\) had ended;/)
    await page.getByRole('button', { name: 'Unset' }).click()
    await reads(row(page, 'quietGapMs'), /^quietGapMs\s+2500\s+environment$/)
    expect(await served.get('settings')).to.deep.equal({ settings: [] })
    expect(await faultsOf(page)).to.deep.equal([])
    await page.context().close()
    expect(browsing.complaints.splice(0)).to.deep.equal([])
  })

  it('keep the other rules of their scope, and say why a value cannot be stored', async () => {
    const page = await opened('shop/2@c.us')
    const set = async (name: string, value: string) => {
      await page.locator('.rules select[name=rule]').selectOption(name)
      await page.getByLabel('Value').fill(value)
      await page.getByRole('button', { name: 'Set', exact: true }).click()
    }
    await set('batching', 'off')
    await reads(row(page, 'batching'), /^batching\s+off\s+this conversation$/)
    await set('holdTypes', 'voice, audio')
    await reads(row(page, 'holdTypes'), /^holdTypes\s+voice,audio\s+this conversation$/)
    await set('quietGapMs', '5')
    await reads(note(page), /^It failed: quietGapMs=5: must be a whole number from 10 to 3600000$/)
    expect(await served.get('settings?scope=shop/2@c.us')).to.deep.include({
      rules: { batching: false, holdTypes: ['voice', 'audio'] },
    })
    // The browser itself says that the request was refused.
    expect(browsing.complaints.splice(0).join()).to.include('400')
    await page.context().close()
  })

  it('are changed with the keyboard alone', async () => {
    const page = await served.open(browsing)
    await page.goto(`${served.url}/#trace=${encodeURIComponent('shop/3@c.us')}`)
    await page.locator('.rules summary').focus()
    await page.keyboard.press('Enter')
    // The table, the scope, the rule, the value.
    await page.locator('.rules form').waitFor()
    for (let i = 0; i < 4; i++) await page.keyboard.press('Tab')
    await page.keyboard.type('700')
    await page.keyboard.press('Enter')
    await reads(row(page, 'quietGapMs'), /^quietGapMs\s+700\s+this conversation$/)
    await page.context().close()
    expect(browsing.complaints.splice(0)).to.deep.equal([])
  })

  it('fit a phone in dark colours and in Russian, without a fault of accessibility', async () => {
    const page = await opened('shop/4@c.us', { ...PHONE, locale: 'ru-RU', colorScheme: 'dark' }, 'Правила')
    await reads(row(page, 'quietGapMs'), /окружение$/)
    expect(await faultsOf(page)).to.deep.equal([])
    expect(await page.evaluate('document.documentElement.scrollWidth')).to.equal(360)
    expect(await page.evaluate(CUT_TEXTS)).to.deep.equal([])
    if (process.env['LULL_TEST_SHOT']) await page.screenshot({ path: process.env['LULL_TEST_SHOT'], fullPage: true })
    await page.context().close()
    expect(browsing.complaints.splice(0)).to.deep.equal([])
  })
})
