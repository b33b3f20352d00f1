/** Guarantee **pm2**: under a real PM2 the package's ecosystem.config.cjs runs Lull with the `.env` of the user's project. */
import { existsSync, readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { track } from '../support/open.js'
import { build, runNode } from '../support/processes.js'
import { testRedis, uniquePrefix } from '../support/redis.js'
import { until } from '../support/wait.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const PM2 = join(root, 'test/deploy/tools/node_modules/pm2/bin/pm2')
const APP = 'lull-processor-1'
const suite = existsSync(PM2) ? describe : describe.skip

suite(`pm2${existsSync(PM2) ? '' : ' (skipped: no PM2 here: node scripts/deploy-tools.mjs)'}`, function () {
  this.timeout(60_000)
  let folder: string

  beforeEach(async () => {
    await build()
    folder = await realpath(await mkdtemp(join(tmpdir(), 'lull-pm2-')))
  })

  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('Lull in node_modules reads the project’s `.env`, wherever `pm2` is called, also after a reload', async () => {
    const prefix = uniquePrefix()
    const installed = join(folder, 'bot/node_modules/lull')
    await mkdir(installed, { recursive: true })
    for (const file of ['ecosystem.config.cjs', 'package.json']) await cp(join(root, file), join(installed, file))
    await symlink(join(root, 'dist'), join(installed, 'dist'))
    await writeFile(join(folder, 'bot/.env'), `REDIS_URL=${await testRedis()}\nLULL_PREFIX=${prefix}\n`)
    await writeFile(join(installed, '.env'), 'LULL_PREFIX=of-the-package\n')

    const env = { PATH: process.env['PATH'], HOME: folder, PM2_HOME: join(folder, 'pm2') }
    const pm2 = (cwd: string, ...args: string[]) => runNode([PM2, ...args], { cwd, env })
    const log = join(folder, `pm2/logs/${APP}-out.log`)
    const starts = () =>
      (existsSync(log) ? readFileSync(log, 'utf8') : '').split('\n').filter(line => line.includes('processor started'))
    const forget = track('PM2', () => pm2(folder, 'kill'))
    try {
      await pm2(join(folder, 'bot'), 'start', 'node_modules/lull/ecosystem.config.cjs', '--only', APP)
      await until(() => starts().length === 1, { what: 'a processor under PM2' })
      await pm2(folder, 'reload', join(installed, 'ecosystem.config.cjs'), '--only', APP, '--update-env')
      await until(() => starts().length === 2, { what: 'the reloaded processor' })
      for (const line of starts()) expect(line).to.include(`prefix ${prefix}`)
    } finally {
      await pm2(folder, 'kill')
      forget()
    }
  })
})
