/** A real browser: Debian's Chromium, or the one that CHROMIUM names. Without one such tests are skipped. */
import { existsSync } from 'node:fs'
import type { Suite } from 'mocha'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { track } from './open.js'
import { runCommand } from './processes.js'

const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const REMEDY = 'apt-get install -y chromium'

export const findChromium = (): string | undefined =>
  [process.env['CHROMIUM'], ...CANDIDATES].find(path => path !== undefined && existsSync(path))

/** A suite that needs a browser. Without one it is skipped, and its title says how to get one. */
export function inBrowser(title: string, suite: (this: Suite) => void): void {
  if (findChromium()) describe(title, suite)
  else describe.skip(`${title} (skipped: no Chromium here: ${REMEDY})`, suite)
}

/**
 * In continuous integration: installs a Chromium if there is none and apt-get is available. Without one, its tests are
 * skipped.
 */
export async function obtainChromium(say: (line: string) => void): Promise<void> {
  if (findChromium() || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return
  say('no Chromium here: installing chromium with apt-get …')
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  try {
    await runCommand('apt-get', ['update', '-q'], { env })
    await runCommand('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'chromium'], { env })
  } catch (error) {
    say(`Chromium could not be installed: ${error instanceof Error ? error.message.split('\n')[0] : error}`)
  }
}

export interface Browsing {
  /** A page with its own cookies. Errors and warnings of its console and scripts are added to `complaints`. */
  open(url: string, options?: BrowserContextOptions): Promise<Page>
  complaints: string[]
  close(): Promise<void>
}

export async function browse(): Promise<Browsing> {
  const executablePath = findChromium()
  if (executablePath === undefined) throw new Error(`no Chromium here: ${REMEDY}`)
  const browser: Browser = await chromium.launch({ executablePath, args: FLAGS })
  const forget = track('a browser', () => browser.close())
  const complaints: string[] = []
  return {
    complaints,
    async open(url, options) {
      const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, locale: 'en-GB', ...options })
      const page = await context.newPage()
      page.on('pageerror', error => complaints.push(`${error.name}: ${error.message}`))
      page.on('console', message => {
        if (['error', 'warning'].includes(message.type()))
          complaints.push(`${message.text()} (${message.location().url})`)
      })
      await page.goto(url)
      return page
    },
    async close() {
      forget()
      await browser.close()
    },
  }
}
