/** The page's playground: the story from end to end, the bots that it compares, and how people write in it. */
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { type Browsing, inBrowser } from '../support/browser.js'
import { faultsOf, laneOf, onOnePage, reads, record, type ServedPage, servePage } from '../support/page.js'
import { until } from '../support/wait.js'

/** How much of a bar of the first batch is left, of 1. */
const share = async (page: Page, bar: string) => {
  const style = await page.locator(`.batch ${bar}`).first().getAttribute('style', { timeout: 5000 })
  return Number(/--part: ([\d.]+)/.exec(style ?? '')?.[1])
}

inBrowser('page: playground', function () {
  this.timeout(90_000)
  let browsing: Browsing
  let served: ServedPage
  onOnePage(shared => {
    browsing = shared.browsing
    served = shared.served
  })

  it('plays a story: a burst is released as one, and the afterthought waits until the burst is answered', async () => {
    const page = await served.open(browsing)
    const anna = laneOf(page, 'Anna')
    const hasRead = await record(page, '.person')
    await page.getByRole('button', { name: 'Tell a story' }).click()

    // It collects; the gap counts down before the max wait.
    await hasRead(/^1 message, collecting\s+due in 2\.\d\u00a0s · at most [78]/m)
    const gap = await share(page, '.gap')
    await until(async () => (await share(page, '.gap')) < gap, { what: 'the gap to count down' })
    expect(await share(page, '.wait'), 'behind it').to.be.greaterThan(await share(page, '.gap'))
    await hasRead(/^4 messages, collecting/m)
    await reads(anna.locator('.remark'), /^came twice: counted and dropped$/)

    // It leaves as one, and is being answered, while the afterthought collects and waits.
    const first = anna.locator('.batch').first()
    await reads(first.locator('.count'), /^Released as one: 4 messages\. The quiet gap had ended, \d+\u00a0ms late\.$/)
    await hasRead(/^the answer is pending/m)
    await hasRead(/^waits for the answer to the previous batch$/m)
    await hasRead(/^complete; waits for the answer to the previous batch$/m)

    await reads(
      anna.locator('.bot').first(),
      /^One answer to 4 messages: “hi · I’d like to order · a cake · for Saturday”$/,
    )
    await reads(anna.locator('.bot').nth(1), /^One answer to 1 message: “and candles, please”$/)
    expect(await anna.locator('.batch').count()).to.equal(2)

    const thirty = await anna.locator('.thirty li').allInnerTexts()
    expect(thirty[0]).to.match(/“hi · I’d like to order · I’d like to order · a cake · for Saturday”/)
    expect(thirty[0]).to.include('a message that came twice is in it twice')
    expect(thirty[1]).to.match(/“and candles, please”\s+while still answering the one before/)
    await page.context().close()
  })

  it('compares three bots on the same messages: when each replied, its runs, and how many were wasted', async () => {
    const page = await served.open(browsing)
    const lane = (mode: string) => page.locator(`.comparison [data-mode=${mode}] .result`)
    await reads(lane('queue'), /^–\s+0 replies · 0 runs · 0 wasted$/)
    await page.getByRole('radio', { name: '2\u00a0s' }).check()
    const anna = laneOf(page, 'Anna')
    await anna.getByRole('textbox').fill('hi')
    await anna.getByRole('textbox').press('Enter')
    await reads(lane('queue'), /^\d\.\d\u00a0s …\s*no reply yet/)
    await reads(lane('supersede'), /· 1 run ·/)
    await anna.getByRole('textbox').fill('a cake')
    await anna.getByRole('textbox').press('Enter')
    for (const mode of ['lines', 'queue']) await reads(lane(mode), /^\d\.\d\d\u00a0s\s+1 reply · 1 run · 0 wasted$/)
    await reads(lane('supersede'), /^\d\.\d\d\u00a0s\s+1 reply · 2 runs · 1 wasted$/)
    await reads(
      page.locator('.comparison').getByRole('status'),
      /^The early start replied \S+\u00a0m?s sooner than the quiet gap\.$/,
    )
    await reads(page.locator('.comparison .badge'), /^this system’s mode$/)
    expect(await page.locator('[data-mode=queue] .badge').count(), 'LULL_ANSWERING=queue').to.equal(1)
    expect(await faultsOf(page)).to.deep.equal([])

    // The person who writes next is compared.
    await laneOf(page, 'Boris').getByRole('textbox').fill('hi')
    await laneOf(page, 'Boris').getByRole('textbox').press('Enter')
    await page.getByRole('heading', { name: 'Boris’s messages, three ways' }).waitFor()
    await page.context().close()
  })

  it('shows a system that supersedes: what was superseded, and one answer to all messages', async () => {
    const superseding = await servePage({ LULL_ANSWERING: 'supersede', LULL_EARLY_START_MS: '200' })
    try {
      const page = await superseding.open(browsing)
      expect(await page.locator('[data-mode=supersede] .badge').count()).to.equal(1)
      const anna = laneOf(page, 'Anna')
      await anna.getByRole('textbox').fill('hi')
      await anna.getByRole('textbox').press('Enter')
      await reads(anna.locator('.batch .count'), /^Released as one: 1 message\. It started before its due time/)
      await anna.getByRole('textbox').fill('a cake')
      await anna.getByRole('textbox').press('Enter')
      await reads(anna.locator('.batch').first(), /superseded before it was answered/)
      await reads(anna.locator('.bot'), /^One answer to 2 messages: “hi · a cake”$/)
      await page.context().close()
    } finally {
      await superseding.stop()
    }
  })

  it('keeps apart what several people write and paste at once', async () => {
    const page = await served.open(browsing)
    const [anna, boris, clara] = ['Anna', 'Boris', 'Clara'].map(name => laneOf(page, name))
    for (const [lane, text] of [
      [anna, 'one\ntwo\n\nthree'],
      [boris, 'four'],
      [clara, 'five\nsix'],
    ] as const) {
      await lane?.getByRole('textbox').fill(text)
      await lane?.getByRole('button', { name: 'Send' }).click()
    }
    for (const [lane, batch] of [
      [anna, /^one\s+two\s+three\s+Released as one: 3 messages/],
      [boris, /^four\s+Released as one: 1 message/],
      [clara, /^five\s+six\s+Released as one: 2 messages/],
    ] as const)
      if (lane) await reads(lane.locator('.batch'), batch)
    await page.context().close()
  })

  it('shows when an operator’s own worker answered, and no invented answer', async () => {
    const handler = fileURLToPath(new URL('../../examples/handler.mjs', import.meta.url))
    const theirs = await servePage({ LULL_WORKER_HANDLER: handler, LULL_QUIET_GAP_MS: '300' })
    try {
      const page = await theirs.open(browsing)
      await page.getByRole('button', { name: 'Play anyway' }).click()
      const anna = laneOf(page, 'Anna')
      await anna.getByRole('textbox').fill('hi')
      await anna.getByRole('textbox').press('Enter')
      await reads(anna.locator('.batch .note'), /^Answered after \S+\u00a0m?s$/)
      expect(await anna.locator('.bot').count()).to.equal(0)
      await page.context().close()
    } finally {
      await theirs.stop()
    }
  })

  it('shows that a typing signal makes the batch wait longer', async () => {
    const page = await served.open(browsing)
    const anna = laneOf(page, 'Anna')
    await anna.getByRole('textbox').fill('wait')
    await anna.getByRole('textbox').press('Enter')
    await until(async () => (await share(page, '.gap')) < 0.6, { what: 'some of the gap to go by' })
    await anna.getByRole('button', { name: 'Typing' }).click()
    await reads(anna.locator('.batch .note'), /^typing: \S+\u00a0m?s longer$/)
    await until(async () => (await share(page, '.gap')) > 0.7, { what: 'the gap to be longer again' })
    await reads(anna.locator('.thirty li'), /although the person was still typing/)
    await reads(anna.locator('.batch'), /^wait\s+Released as one: 1 message/)
    await page.context().close()
  })

  it('works with the keyboard alone', async () => {
    const page = await served.open(browsing)
    const { keyboard } = page
    const focused = () => page.evaluate<string>('(e => e.dataset.view ?? e.id ?? "")(document.activeElement)')
    const tabTo = async (isThere: () => Promise<boolean>) => {
      for (let presses = 0; presses < 30; presses++) {
        await keyboard.press('Tab')
        if (await isThere()) return
      }
      throw new Error(`Tab did not lead there, but to ${await focused()}`)
    }
    await keyboard.press('Tab')
    await keyboard.press('Enter')
    expect(await focused(), 'the skip link').to.equal('main')
    await tabTo(() => page.evaluate('document.activeElement.tagName === "TEXTAREA"'))
    await keyboard.type('hello')
    await keyboard.press('Shift+Enter')
    await keyboard.type('there')
    await keyboard.press('Enter')
    await reads(laneOf(page, 'Anna').locator('.status'), /^(Released as one: )?2 messages/)
    await page.reload()
    await tabTo(async () => (await focused()) === 'live')
    await keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Live', exact: true }).waitFor()
    await page.context().close()
  })
})
