/** What people do from the page and cannot take back: each is asked once, and done only after a yes. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { type Browsing, browse, inBrowser } from '../support/browser.js'
import { CUT_TEXTS, faultsOf, PHONE, reads, type ServedPage, servePage } from '../support/page.js'
import { freePort } from '../support/processes.js'
import { until } from '../support/wait.js'

/** Nothing is released by itself. */
const PATIENT = { LULL_QUIET_GAP_MS: '600000', LULL_MAX_WAIT_MS: '600000', LULL_BATCH_TTL_MS: '1800000' }

inBrowser('interventions on the page', function () {
  this.timeout(60_000)
  let browsing: Browsing
  let served: ServedPage
  let receiver: Server

  before(async () => {
    receiver = createServer((request, response) => {
      request.resume()
      request.on('end', () => response.writeHead(500).end())
    })
    const port = await freePort()
    receiver.listen(port, '127.0.0.1')
    await once(receiver, 'listening')
    browsing = await browse()
    served = await servePage({
      ...PATIENT,
      LULL_HANDOVER: 'http',
      LULL_HANDOVER_URL: `http://127.0.0.1:${port}`,
      LULL_MAX_ATTEMPTS: '1',
    })
  })

  after(async () => {
    await served.stop()
    await browsing.close()
    receiver.close()
  })

  const opened = async (id: string, options = {}) => {
    const page = await served.open(browsing, options)
    await page.goto(`${served.url}/#trace=${encodeURIComponent(id)}`)
    await page.locator('.interventions button').first().waitFor()
    return page
  }
  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
  const note = (page: Page) => page.locator('.interventions .note')
  const dialog = (page: Page) => page.locator('dialog[open]')
  const waiting = async (id: string) => {
    const state = await served.get(`conversations?id=${encodeURIComponent(id)}`)
    return JSON.stringify(state).includes('"messageId"')
  }

  it('discard what waits after a yes, and nothing after a no', async () => {
    const page = await opened('drop@c.us')
    await served.append('drop@c.us', 'hi', 'a cake')
    await button(page, 'Discard messages: drop@c.us').click()
    await reads(dialog(page), /^Discard what waits\?\s+drop@c\.us\s[\s\S]*cannot be undone/)
    expect(await faultsOf(page)).to.deep.equal([])
    // Enter is no yes: the focus is on the other button.
    await page.keyboard.press('Enter')
    await dialog(page).waitFor({ state: 'detached' })
    await button(page, 'Discard messages: drop@c.us').click()
    await page.keyboard.press('Escape')
    await dialog(page).waitFor({ state: 'detached' })
    expect(await waiting('drop@c.us')).to.equal(true)
    await button(page, 'Discard messages: drop@c.us').click()
    await dialog(page).getByRole('button', { name: 'Discard messages' }).click()
    await reads(note(page), /^Discarded: 2 messages\.$/)
    expect(await waiting('drop@c.us')).to.equal(false)
    await reads(page.locator('.life').first(), /Discarded before a processor took it/)
    await page.context().close()
    expect(browsing.complaints.splice(0)).to.deep.equal([])
  })

  it('hand over what waits at once; then discard the batch that died, and say that there is none', async () => {
    const page = await opened('flush@c.us')
    await served.append('flush@c.us', 'hi')
    await button(page, 'Hand over now: flush@c.us').click()
    await dialog(page).getByRole('button', { name: 'Hand over now' }).click()
    await reads(note(page), /^Released: 1 message\.$/)
    await reads(page.locator('.life').first(), /because it was flushed;/)

    await page.goto(`${served.url}/#live`)
    const dead = page.locator('.dead li')
    await reads(dead, /^flush@c\.us/)
    await button(page, 'Discard: flush@c.us').click()
    await reads(dialog(page), /^Discard this dead batch\?\s+flush@c\.us/)
    await dialog(page).getByRole('button', { name: 'Cancel' }).click()
    expect(await served.get('dead')).to.have.nested.property('dead[0].conversationId', 'flush@c.us')
    await button(page, 'Discard: flush@c.us').click()
    await dialog(page).getByRole('button', { name: 'Discard' }).click()
    await until(async () => (await dead.count()) === 0, { what: 'no dead batch' })
    await until(() => page.evaluate("document.activeElement.id === 'dead-title'"))
    expect(await served.get('dead')).to.deep.equal({ dead: [] })
    await page.context().close()
    expect(browsing.complaints.splice(0)).to.deep.equal([])
  })

  it('forget a conversation: its messages and its history are gone', async () => {
    const page = await opened('forget@c.us')
    await served.append('forget@c.us', 'a secret')
    await reads(page.locator('.life').first(), /collecting/)
    await button(page, 'Forget: forget@c.us').click()
    await dialog(page).getByRole('button', { name: 'Forget' }).click()
    await reads(note(page), /^Erased: 1 message, 0 dead batches, and the history\.$/)
    await reads(page.locator('#trace [role=status]').first(), /The history has nothing about forget@c\.us/)
    expect(await waiting('forget@c.us')).to.equal(false)
    expect(await served.get('conversations/history?id=forget@c.us')).to.deep.equal({ history: [] })
    await page.context().close()
    expect(browsing.complaints.splice(0)).to.deep.equal([])
  })

  it('ask nothing any more when the view is left', async () => {
    const page = await opened('left@c.us')
    await button(page, 'Forget: left@c.us').click()
    await dialog(page).waitFor()
    await page.goBack()
    await page.getByRole('link', { name: 'Live' }).click()
    await page.locator('#live h2').waitFor()
    expect(await page.locator('dialog[open]').count()).to.equal(0)
    await page.context().close()
    expect(browsing.complaints.splice(0)).to.deep.equal([])
  })

  it('say why nothing was done, and say nothing of it on another conversation', async () => {
    const page = await opened('empty@c.us')
    await button(page, 'Hand over now: empty@c.us').click()
    await dialog(page).getByRole('button', { name: 'Hand over now' }).click()
    await reads(note(page), /^It failed: conversation="empty@c\.us" has no open batch/)
    await page.goto(`${served.url}/#trace=other@c.us`)
    await button(page, 'Forget: other@c.us').waitFor()
    await reads(note(page), /^$/)
    await page.context().close()
    // The browser itself says that the request was refused.
    expect(browsing.complaints.splice(0).join()).to.include('404')
  })

  it('fit a phone in dark colours and in Russian, without a fault of accessibility', async () => {
    const page = await opened('phone@c.us', { ...PHONE, locale: 'ru-RU', colorScheme: 'dark' })
    await button(page, 'Забыть: phone@c.us').click()
    await reads(dialog(page), /^Стереть всё/)
    expect(await faultsOf(page)).to.deep.equal([])
    expect(await page.evaluate('document.documentElement.scrollWidth')).to.equal(360)
    expect(await page.evaluate(CUT_TEXTS)).to.deep.equal([])
    await page.context().close()
    expect(browsing.complaints.splice(0)).to.deep.equal([])
  })
})
