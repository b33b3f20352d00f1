/**
 * The page in a real browser, over a whole `lull up`: the playground's story from end to end, what an operator sees,
 * and that it works on a phone, with the keyboard alone, with a screen reader, in dark colours and in Russian.
 */
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Page } from 'playwright-core'
import { z } from 'zod'
import { Batcher } from '../../src/batcher.js'
import { type Browsing, browse, inBrowser } from '../support/browser.js'
import { CUT_TEXTS, faultsOf, reads, record, type ServedPage, servePage } from '../support/page.js'
import { freePort, lull } from '../support/processes.js'
import { privateRedis, testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const AN_HOUR = 3_600_000
/** Nothing becomes due. */
const QUIET = { LULL_QUIET_GAP_MS: `${AN_HOUR}`, LULL_MAX_WAIT_MS: `${AN_HOUR}`, LULL_BATCH_TTL_MS: `${2 * AN_HOUR}` }
const MANY = 1000
/** What can be seen of a list, and a little beyond. */
const MOST_ROWS = 30
const MOST_ELEMENTS = 600
const VIEWS = ['play', 'live', 'trace']
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }

const laneOf = (page: Page, name: string) => page.getByRole('article').filter({ hasText: name })
/** How much of a bar of the first batch is left, of 1. */
const share = async (page: Page, bar: string) => {
  const style = await page.locator(`.batch ${bar}`).first().getAttribute('style', { timeout: 5000 })
  return Number(/--part: ([\d.]+)/.exec(style ?? '')?.[1])
}

inBrowser('page', function () {
  this.timeout(90_000)
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

  afterEach(() => {
    expect(browsing.complaints.splice(0), 'what the console says').to.deep.equal([])
  })

  describe('playground', () => {
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
      await reads(
        first.locator('.count'),
        /^Released as one: 4 messages\. The quiet gap had ended, \d+\u00a0ms late\.$/,
      )
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

  describe('trace', () => {
    it('shows who took a batch, when and why, as a picture and in words', async () => {
      await served.append('shop/7900@c.us', 'hi')
      await served.append('shop/7900@c.us', 'a cake')
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

  describe('live view', () => {
    it('shows open conversations, releases with their reasons, the queue, and the last webhooks by provider', async () => {
      const page = await served.open(browsing)
      await page.getByRole('link', { name: 'Live' }).click()
      await fetch(`${served.url}/webhook/whatsapp/batched/generic`, {
        method: 'POST',
        body: JSON.stringify({ chatId: 'live@c.us', messageId: '1', text: 'hi' }),
      })
      const row = page.getByRole('row').filter({ hasText: 'live@c.us' })
      await reads(row, /^live@c\.us\s+1\s+\d\.\d\u00a0s\s+Pause$/)
      await served.append('live@c.us', 'and more')
      await reads(row, /^live@c\.us\s+2\s/)
      await row.waitFor({ state: 'detached' }).catch(() => row.waitFor({ state: 'hidden' }))
      const tiles = page.locator('.tiles')
      await reads(tiles, /released in the last minute/)
      await reads(tiles, /\d+\u00a0ms \/ \d+\u00a0ms\s+late, p50 \/ p99\s+of \d+ batch/)
      await reads(tiles, /\d+ \/ \d+\s+queue: waiting \/ active/)
      await reads(page.locator('figure .key'), /gap: the quiet gap had ended/)
      await reads(page.locator('#live table'), /generic\s+\d\d:\d\d:\d\d\s+1 new, 0 seen before, 0 ignored/)
      await page.context().close()
    })

    it('counts a held conversation as held alone, in the tiles as in the list and in the API', async () => {
      const handler = fileURLToPath(new URL('../support/hanging-handler.mjs', import.meta.url))
      const holding = await servePage({
        LULL_WORKER_HANDLER: handler,
        LULL_QUIET_GAP_MS: '200',
        LULL_SHUTDOWN_MS: '500',
      })
      try {
        const page = await holding.open(browsing)
        await page.getByRole('link', { name: 'Live' }).click()
        await holding.append('held@c.us', 'hi')
        const tiles = page.locator('.tile')
        const row = page.getByRole('row').filter({ hasText: 'held@c.us' })
        const agrees = async () => {
          await reads(row, /^held@c\.us\s+–\s+being answered for \d+\u00a0s\s+Pause$/)
          await reads(tiles.first(), /^0\s+open conversations/)
          await reads(tiles.nth(1), /^1\s+held conversations/)
          await reads(page.locator('.total'), /^0 open · 1 held$/)
        }
        await agrees()
        expect(await holding.get('page/state')).to.deep.include({
          totals: { open: 0, held: 1, dead: 0, oldestDueAgeMs: 0 },
        })
        await page.reload()
        await agrees()
        await holding.append('held@c.us', 'next')
        await reads(row, /^held@c\.us\s+1\s+being answered for \d+\u00a0s · 1 message waits\s+Pause$/)
        await reads(page.locator('.total'), /^0 open · 1 held$/)
        await page.reload()
        await reads(row, /^held@c\.us\s+1\s+being answered for \d+\u00a0s · 1 message waits\s+Pause$/)
        await reads(page.locator('.total'), /^0 open · 1 held$/)
        await page.context().close()
      } finally {
        await holding.stop()
      }
    })

    it('pauses a conversation for a chosen time and resumes it, with the keyboard alone', async () => {
      const page = await served.open(browsing)
      await page.goto(`${served.url}/#live`)
      const id = 'person/takes@over'
      const batcher = new Batcher({ redis: served.redis, prefix: served.prefix })
      await batcher.pause(id, 60_000)
      await batcher.close()
      const row = page.locator('.space .row', { hasText: id })
      await reads(row, /paused, the bot is back in (?:1:00|0:\d\d)\s+Resume/)
      await row.getByRole('button', { name: `Resume: ${id}` }).focus()
      await page.keyboard.press('Enter')
      await row.waitFor({ state: 'detached' })
      await until(() => page.evaluate("document.activeElement.id === 'conversations-title'"))

      await served.append(id, 'hi')
      await row.getByRole('button', { name: `Pause: ${id}` }).focus()
      await page.keyboard.press('Enter')
      await page.keyboard.press('Escape')
      await page.keyboard.press('Enter')
      await reads(page.locator('dialog[open]'), /A person takes over\s+person\/takes@over/)
      await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      await reads(row, /paused, the bot is back in (?:2:00:00|1:59:\d\d)\s+Resume/)
      await until(() => page.evaluate(`document.activeElement.dataset.of === '${id}'`))
      expect(await served.get('conversations')).to.have.nested.property('paused[0].conversationId', id)
      await page.reload()
      await reads(row, /paused, the bot is back in 1:59:\d\d\s+Resume/)

      await served.append(id, 'not for the bot')
      await page.goto(`${served.url}/#trace=${encodeURIComponent(id)}`)
      await reads(page.locator('.life').first(), /a person answers[\s\S]*Came meanwhile and dropped: 1 message\./)
      await reads(page.locator('.taking-over'), /^Resume\s+paused, the bot is back in 1:59:\d\d/)
      await page.locator('.taking-over').getByRole('button', { name: 'Resume' }).click()
      await reads(page.locator('.taking-over'), /^Pause\s+The bot is back in person\/takes@over\.$/)
      await reads(page.locator('.life').first(), /ended[\s\S]*when lull\.\S+ ended it\./)
    })

    it('keeps the page small with 1,000 open conversations, also while they grow', async () => {
      const many = await servePage(QUIET)
      const batcher = new Batcher({
        redis: many.redis,
        prefix: many.prefix,
        quietGapMs: AN_HOUR,
        maxWaitMs: AN_HOUR,
        batchTtlMs: 2 * AN_HOUR,
      })
      try {
        const page = await many.open(browsing)
        await page.getByRole('link', { name: 'Live' }).click()
        const writeAll = (messageId: string) =>
          Promise.all(Array.from({ length: MANY }, (_, i) => batcher.append(`c${i}`, { messageId, text: 'hi' })))
        await writeAll('1')
        await reads(page.locator('.total'), /^1,000 open · 0 held$/)
        const rows = page.locator('.space .row:visible')
        const elements = () => page.evaluate<number>('document.querySelectorAll("*").length')
        expect(await rows.count()).to.be.within(5, MOST_ROWS)
        expect(await elements()).to.be.below(MOST_ELEMENTS)
        await page.evaluate('document.querySelector(".conversations").scrollTop = 1e6')
        const lastRow = page.locator(`.space .row:visible[aria-rowindex="${MANY + 1}"]`)
        await reads(lastRow, /^c\d+\s+1\s/)
        await writeAll('2')
        await reads(lastRow, /^c\d+\s+2\s/)
        await page.getByLabel('Filter').fill('c777')
        await reads(page.locator('.total'), /^1 of 1,000$/)
        await reads(rows, /^c777\s+2\s/)
        expect(await elements()).to.be.below(MOST_ELEMENTS)
        await page.context().close()
      } finally {
        await batcher.close()
        await many.stop()
      }
    })

    it('does not count as a processor, although it subscribes to the growth of batches', async () => {
      const alone = await servePage(QUIET)
      const batcher = new Batcher({ redis: alone.redis, prefix: alone.prefix })
      const redis = new Redis(alone.redis)
      try {
        const page = await alone.open(browsing)
        await page.getByRole('link', { name: 'Live' }).click()
        await batcher.append('elsewhere@c.us', { messageId: '1', text: 'hi' })
        await reads(page.getByRole('row').filter({ hasText: 'elsewhere@c.us' }), /^elsewhere@c\.us\s+1\s/)
        // The processor of `lull up`.
        const [, listeners] = z
          .tuple([z.string(), z.number()])
          .parse(await redis.pubsub('NUMSUB', `${alone.prefix}.next-due`))
        expect(listeners).to.equal(1)
        await page.context().close()
      } finally {
        redis.disconnect()
        await batcher.close()
        await alone.stop()
      }
    })

    it('hands dead batches over again, and shows no text if texts are hidden', async () => {
      let refuses = true
      const received: string[] = []
      const receiver = createServer((request, response) => {
        request.on('data', data => received.push(String(data)))
        request.on('end', () => {
          response.statusCode = refuses ? 500 : 200
          response.end()
        })
      })
      const port = await freePort()
      receiver.listen(port, '127.0.0.1')
      await once(receiver, 'listening')
      const hiding = await servePage({
        LULL_HANDOVER: 'http',
        LULL_HANDOVER_URL: `http://127.0.0.1:${port}`,
        LULL_MAX_ATTEMPTS: '1',
        LULL_SHOW_TEXTS: 'off',
        LULL_QUIET_GAP_MS: '100',
      })
      try {
        const page = await hiding.open(browsing)
        await page.getByRole('link', { name: 'Live' }).click()
        await hiding.append('dead@c.us', 'a secret')
        const dead = page.locator('.dead li')
        await reads(dead, /^dead@c\.us[\s\S]*1 attempt: .*answered 500[\s\S]*\(hidden\)/)
        await reads(page.locator('.tiles'), /1\s+dead batch/)
        const verdict = page.locator('.verdict')
        await reads(verdict, /^1 dead batch: the handover failed for good\./)
        expect(await faultsOf(page)).to.deep.equal([])
        refuses = false
        await dead.getByRole('button', { name: /^Hand over again/ }).click()
        await until(async () => (await dead.count()) === 0, { what: 'no dead batch' })
        expect(received.at(-1)).to.include('a secret')
        await reads(verdict, /^All is well/)
        expect(await page.content()).not.to.include('secret')
        await page.context().close()
      } finally {
        await hiding.stop()
        receiver.close()
      }
    })
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
