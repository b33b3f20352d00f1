/** Guarantee **release**: `npm run release` makes a release out of this checkout, and a dry run changes nothing in it. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const root = new URL('../../', import.meta.url)
const FILES = ['CHANGELOG.md', 'package.json', 'package-lock.json']
const contents = () => FILES.map(file => readFileSync(new URL(file, root), 'utf8'))

describe('npm run release', function () {
  this.timeout(180_000)

  const release = (...args: string[]) => {
    const script = fileURLToPath(new URL('scripts/release.mjs', root))
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' })
    return { code: status, output: stdout + stderr }
  }

  it('a dry run packs, asks what npm would refuse, lists the bundled packages, and changes no file', () => {
    const before = contents()
    const { code, output } = release('9.9.9', '--dry-run', '--skip-tests')
    expect(code, output).to.equal(0)
    expect(output).to.match(/lull-9\.9\.9\.tgz/)
    expect(output).to.match(/the SBOM lists .*ioredis@6.*koa@3/)
    expect(output).to.not.match(/the SBOM lists .*mocha@/)
    expect(output).to.match(/dry run: 9\.9\.9 can be released/)
    expect(contents()).to.deep.equal(before)
  })

  it('without a version it says how to give one', () => {
    const { code, output } = release('--dry-run')
    expect(code).to.equal(1)
    expect(output).to.match(/give the version: npm run release -- 0\.2\.0/)
  })
})
