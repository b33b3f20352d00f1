/** The page of a `lull up` of its own, as a browser sees it. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { expect } from 'chai'
import type { BrowserContextOptions, Locator, Page } from 'playwright-core'
import { type Browsing, browse } from './browser.js'
import { freePort, type LullProcess, lull } from './processes.js'
import { testRedis, uniquePrefix } from './redis.js'
import { until } from './wait.js'

const TOKEN = 'a-token-of-the-page'

export const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }

/** Of a person in the playground. */
export const laneOf = (page: Page, name: string) => page.getByRole('article').filter({ hasText: name })

export interface ServedPage {
  url: string
  redis: string
  prefix: string
  /** The page, by the link with the token. */
  open(browsing: Browsing, options?: BrowserContextOptions): Promise<Page>
  /** Messages, as from a channel. */
  append(conversationId: string, ...texts: string[]): Promise<void>
  /** The API's answer, as JSON. @param path `page/state` */
  get(path: string): Promise<unknown>
  /** Again, on the same port, after a stop. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** @param env overrides the tests' settings: a quiet gap of 2.5 s, a max wait of 8 s */
export async function servePage(env: Record<string, string> = {}): Promise<ServedPage> {
  const redis = await testRedis()
  const prefix = uniquePrefix()
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const settings = {
    REDIS_URL: redis,
    LULL_PREFIX: prefix,
    LULL_QUEUE: `queue-${prefix}`,
    LULL_QUIET_GAP_MS: '2500',
    LULL_MAX_WAIT_MS: '8000',
    LULL_API_TOKEN: TOKEN,
    PORT: String(port),
    ...env,
  }
  let process: LullProcess
  let sent = 0
  const start = async () => {
    process = await lull(['up'], settings)
    await process.line(/api listens on/)
  }
  await start()
  return {
    url,
    redis,
    prefix,
    start,
    stop: async () => void (await process.stop()),
    async open(browsing, options) {
      const page = await browsing.open(`${url}/?token=${TOKEN}`, options)
      // The link is traded for a cookie and redirects.
      await page.waitForURL(`${url}/`)
      await reads(page.locator('#connection'), /^(connected|на связи)$/)
      return page
    },
    async get(path) {
      const response = await fetch(`${url}/${path}`, { headers: { Authorization: `Bearer ${TOKEN}` } })
      return response.json()
    },
    async append(conversationId, ...texts) {
      const response = await fetch(`${url}/conversations/messages?id=${encodeURIComponent(conversationId)}`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify(texts.map(text => ({ messageId: `m${sent++}`, text }))),
      })
      if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
    },
  }
}

/**
 * For all tests of a `describe`: a browser and a served page. After each test the console must have said nothing.
 * @param share is given both before the first test
 */
export function onOnePage(share: (shared: { browsing: Browsing; served: ServedPage }) => void): void {
  let browsing: Browsing
  let served: ServedPage

  before(async () => {
    browsing = await browse()
    served = await servePage()
    share({ browsing, served })
  })

  after(async () => {
    await served.stop()
    await browsing.close()
  })

  afterEach(() => {
    expect(browsing.complaints.splice(0), 'what the console says').to.deep.equal([])
  })
}

/**
 * Records everything that an element shows from now on: on a busy machine, what is shown for a moment may come and go
 * between two looks of a test.
 * @param selector the first such element
 * @returns resolves when it reads so, or has
 */
export async function record(page: Page, selector: string): Promise<(pattern: RegExp) => Promise<void>> {
  const texts: string[] = []
  await page.exposeFunction('noteForTest', (text: string) => void texts.push(text))
  await page.evaluate(`(() => {
    const element = document.querySelector(${JSON.stringify(selector)})
    const note = () => noteForTest(element.innerText)
    new MutationObserver(note).observe(element, { subtree: true, childList: true, characterData: true })
    note()
  })()`)
  return async pattern => {
    const hasRead = () => texts.some(text => pattern.test(text))
    await until(hasRead, {
      what: () => `${selector} to have read ${pattern}; it read “${[...new Set(texts)].join('” “')}”`,
    })
  }
}

/** Resolves when the elements' text matches; the error says what it is instead. */
export async function reads(what: Locator, pattern: RegExp, timeoutMs = 20_000): Promise<string> {
  let text = 'nothing'
  return until(
    async () => {
      const texts = await what.allInnerTexts()
      text = texts.join(' | ')
      return texts.length > 0 && pattern.test(text) ? text : undefined
    },
    { timeoutMs, what: () => `${what} to read ${pattern}; it reads “${text}”` },
  )
}

/** The texts that do not fit into their element, which hides the rest or has to be scrolled sideways. */
export const CUT_TEXTS = `[...document.querySelectorAll('body *')]
  .filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth && getComputedStyle(e).overflowX !== 'visible')
  .map(e => e.className + ': ' + e.innerText)`

/** What axe finds fault with. */
export async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'))
  return page.evaluate(
    'axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(node => [id, node.html, node.failureSummary].join(": "))))',
  )
}
