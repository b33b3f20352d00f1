// Takes the README's pictures of the page, from the real page in a real browser. Run `node scripts/take-screenshots.mjs` after
// the page has changed. It needs redis-server and a Chromium (CHROMIUM=/path, else /usr/bin/chromium). With --look=FOLDER it
// also takes pictures for a review into that folder: desktop and phone, light and dark, English and Russian.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { chromium } from 'playwright-core'
import { buildIfNeeded } from './build.mjs'

const REDIS_PORT = 6399
const PORT = 3399
const TOKEN = 'for-the-picture'
const MINUTES = 30
const OPEN = 30
const docs = fileURLToPath(new URL('../docs/', import.meta.url))
const bin = fileURLToPath(new URL('../dist/esm/bin.js', import.meta.url))
const look = process.argv.find(arg => arg.startsWith('--look='))?.slice('--look='.length)
const env = {
  PATH: process.env.PATH,
  REDIS_URL: `redis://127.0.0.1:${REDIS_PORT}`,
  LULL_API_TOKEN: TOKEN,
  PORT: String(PORT),
  LULL_QUIET_GAP_MS: '6000',
  LULL_MAX_MESSAGES: '8',
  LULL_ALLOW_UNSIGNED: 'generic,waha',
  WHATSAPP_APP_SECRET: 'whatever',
}
const url = `http://127.0.0.1:${PORT}`

await buildIfNeeded()
const cwd = mkdtempSync(join(tmpdir(), 'lull-pictures-'))
const redis = spawn('redis-server', ['--port', String(REDIS_PORT), '--save', '', '--bind', '127.0.0.1'], { cwd })
const client = new Redis(env.REDIS_URL, { maxRetriesPerRequest: null })
client.on('error', () => {}) // It is just starting.
await client.ping()
await earlierReleases()
await deadBatch()
const lull = spawn(process.execPath, [bin, 'up'], { cwd, env, stdio: ['ignore', 'ignore', 'inherit'] })
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
})
try {
  await answers()
  await pictures()
} finally {
  await browser.close()
  lull.kill()
  await once(lull, 'exit')
  client.disconnect()
  redis.kill()
  await once(redis, 'exit')
  rmSync(cwd, { recursive: true, force: true })
}

async function pictures() {
  const light = await open({ colorScheme: 'light' })
  const dark = await open({ colorScheme: 'dark' })
  for (const page of [light, dark]) await page.waitForSelector('#story')
  await Promise.all([light, dark].map(conversation))
  await shot(light, 'page-playground-light')
  await shot(dark, 'page-playground-dark')
  // Her answer is still pending: the pictures of the trace show a batch that waits for another one.
  for (const page of [light, dark]) {
    await page.locator('.person textarea').first().fill('and candles, please')
    await page.locator('.person textarea').first().press('Enter')
  }

  await traffic('first')
  for (const page of [light, dark]) await page.click('[data-view=live]')
  await light.waitForSelector('#live .by-gap')
  await light.waitForSelector('.space .row')
  await delay(5500) // The page asks for the counts of the queue and the webhooks every five seconds.
  await traffic('later')
  await shot(light, 'page-live-light', { fullPage: true })
  await shot(dark, 'page-live-dark', { fullPage: true })

  for (const page of [light, dark]) {
    await page.click('[data-view=play]')
    await page.click('.person .id')
    await page.waitForSelector('.timeline')
  }
  await shot(light, 'page-trace-light')
  await shot(dark, 'page-trace-dark')
  if (look) await more()
}

/** Two people write. Anna’s burst is compared, until the three bots have replied to it. */
async function conversation(page) {
  const [anna, boris] = await page.locator('.person textarea').all()
  const write = async (person, text, pauseMs) => {
    await delay(pauseMs)
    await person.fill(text)
    await person.press('Enter')
  }
  await write(boris, 'are you open today?\nuntil when?', 0)
  await write(anna, 'hi', 1000)
  await write(anna, 'I’d like to order', 800)
  await write(anna, 'a cake', 2000)
  await write(anna, 'for Saturday', 900)
  await page.locator('.comparison [role=status]', { hasText: 'sooner' }).waitFor()
  await page.evaluate('scrollTo(0, 0)')
  await page.evaluate('document.activeElement.blur()')
}

async function more() {
  const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }
  for (const [name, options] of Object.entries({
    'phone-light': { ...phone, colorScheme: 'light' },
    'phone-dark-ru': { ...phone, colorScheme: 'dark', locale: 'ru-RU' },
    'desktop-dark-ru': { colorScheme: 'dark', locale: 'ru-RU' },
  })) {
    const page = await open(options)
    await page.waitForSelector('#story')
    await page.click('#story')
    await page.waitForSelector('.batch.held', { timeout: 20_000 })
    await page.screenshot({ path: join(look, `${name}-play.png`), fullPage: true })
    void traffic(name)
    await page.click('[data-view=live]')
    await delay(2000)
    await page.screenshot({ path: join(look, `${name}-live.png`), fullPage: true })
    await page.click('[data-view=trace]')
    await page.waitForSelector('.recent li')
    await page.screenshot({ path: join(look, `${name}-recent.png`) })
    await page.click('[data-view=play]')
    await page.click('.person .id')
    await page.waitForSelector('.timeline')
    await page.locator('.life summary').first().click()
    await page.screenshot({ path: join(look, `${name}-trace.png`), fullPage: true })
  }
}

async function open(options) {
  const context = await browser.newContext({ viewport: { width: 1120, height: 900 }, locale: 'en-GB', ...options })
  const page = await context.newPage()
  page.on('pageerror', error => console.error(error))
  await page.goto(`${url}/?token=${TOKEN}`)
  return page
}

async function shot(page, name, options) {
  await page.mouse.move(0, 0)
  await page.screenshot({ path: join(docs, `${name}.png`), ...options })
}

async function answers() {
  for (let i = 0; i < 100; i++) {
    if (
      await fetch(`${url}/readyz`).then(
        response => response.ok,
        () => false,
      )
    )
      return
    await delay(100)
  }
  throw new Error(`${url} does not answer`)
}

/** Half an hour of releases before the picture: steps of the history for the chart. */
async function earlierReleases() {
  const now = Date.now()
  const pipeline = client.pipeline()
  for (let minute = MINUTES; minute > 0; minute--) {
    const from = now - minute * 60_000
    const count = 14 + Math.round(9 * Math.sin(minute / 4)) + (minute % 4)
    for (let i = 0; i < count; i++) {
      const reason = i % 7 === 3 ? 'maxWait' : i % 11 === 5 ? 'maxMessages' : i % 13 === 8 ? 'flush' : 'gap'
      const fields = { step: 'claimed', batchId: `b${minute}-${i}`, conversationId: `${7900 + minute}${i}@c.us` }
      const detail = { owner: 'lull.processor.shop1.4712', reason, count: 3, lateMs: (minute * i) % 3 }
      pipeline.xadd(
        'rapid-fire.history',
        `${Math.round(from + (i * 60_000) / count)}-0`,
        ...Object.entries({ ...fields, ...detail }).flat(),
      )
    }
  }
  await pipeline.exec()
}

/** A batch whose handover has failed for good: the page offers to hand it over again, or to discard it. */
async function deadBatch() {
  const { Batcher, Processor } = await import('../dist/esm/index.js')
  const options = { redis: env.REDIS_URL, maxAttempts: 1 }
  const batcher = new Batcher(options)
  const handle = () => {
    throw new Error('the model answered 401: the key has expired')
  }
  const processor = new Processor({ ...options, handle })
  await batcher.append('79990000055@c.us', { messageId: 'd1', text: 'are you there?' }, { direct: true })
  await processor.claimOnce()
  await processor.stop()
  await batcher.close()
}

/** People who write now, and a webhook without a signature. */
async function traffic(wave) {
  const post = (path, body) =>
    fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  for (let i = 0; i < OPEN; i++) {
    const messages = Array.from({ length: 1 + (i % 5) }, (_, j) => ({
      chatId: `7999000${String(100 + i * 7)}@c.us`,
      messageId: `${wave}-${j}`,
      text: 'hi',
    }))
    await post('/webhook/whatsapp/batched/generic', { messages })
    await delay(60)
  }
  await post('/webhook/whatsapp/batched/meta', { object: 'whatsapp_business_account', entry: [] })
}
