/**
 * Guarantee: `npm pack` makes a whole package, or none. In a fresh clone it installs what it builds with, so it needs no
 * `npm install` before it.
 */
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { runCommand } from '../support/processes.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

describe('npm pack in a fresh clone', function () {
  this.timeout(60_000)
  let folder: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lull-clone-'))
    for (const name of ['package.json', 'package-lock.json', 'scripts'])
      await cp(join(root, name), join(folder, name), { recursive: true })
  })
  after(() => rm(folder, { recursive: true, force: true }))

  it('makes no package without dist/ where the development packages cannot be installed', async () => {
    const offline = { npm_config_offline: 'true', npm_config_cache: join(folder, '.npm-cache') }
    const outcome = await runCommand('npm', ['pack', '--loglevel=error'], {
      cwd: folder,
      env: { ...process.env, ...offline },
    }).then(
      () => 'packed',
      () => 'refused',
    )
    expect(outcome).to.equal('refused')
    expect((await readdir(folder)).filter(name => name.endsWith('.tgz'))).to.deep.equal([])
  })
})
