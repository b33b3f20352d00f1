/** What an operator sees on the page: what is open, held, paused, released and dead now, and what may be done about it. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { z } from 'zod'
import { Batcher } from '../../src/batcher.js'
import { type Browsing, inBrowser } from '../support/browser.js'
import { faultsOf, onOnePage, reads, type ServedPage, servePage } from '../support/page.js'
import { freePort } from '../support/processes.js'
import { until } from '../support/wait.js'

const AN_HOUR = 3_600_000
/** Nothing becomes due. */
const QUIET = { LULL_QUIET_GAP_MS: `${AN_HOUR}`, LULL_MAX_WAIT_MS: `${AN_HOUR}`, LULL_BATCH_TTL_MS: `${2 * AN_HOUR}` }
const MANY = 1000
/** What can be seen of a list, and a little beyond. */
const MOST_ROWS = 30
const MOST_ELEMENTS = 600

inBrowser('page: live view', function () {
  this.timeout(90_000)
  let browsing: Browsing
  let served: ServedPage
  onOnePage(shared => {
    browsing = shared.browsing
    served = shared.served
  })

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
