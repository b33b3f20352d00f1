/** The list of private Redis that run: only what this user alone has written counts, and only while it is true. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { announce, linksFolder, runningRedis } from '../../../src/cli/running-redis.js'

describe('the list of private Redis', () => {
  let root: string
  let links: string

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'lull-links-'))
    links = join(root, 'lull')
  })
  afterEach(() => rmSync(root, { recursive: true }))

  it('is in the runtime folder if that is this user’s alone, and otherwise not', () => {
    expect(linksFolder(root)).to.equal(links)
    chmodSync(root, 0o755)
    expect(linksFolder(root)).not.to.include(root)
    expect(linksFolder(undefined)).to.match(/\/lull$|\/lull-\d+$/)
  })

  it('names a process while it runs', () => {
    const end = announce(root, links)
    expect(readlinkSync(join(links, String(process.pid)))).to.equal(join(root, '.lull'))
    end()
    end()
    expect(readdirSync(links)).to.deep.equal([])
  })

  it('is neither written nor read where others may write', async () => {
    mkdirSync(links)
    chmodSync(links, 0o777)
    expect(() => announce(root, links)).to.throw(/is not this user's alone: remove it/)
    symlinkSync(join(root, '.lull'), join(links, '2147483646'))
    expect(await runningRedis(links)).to.deep.equal([])
    expect(readdirSync(links)).to.deep.equal(['2147483646'])
    const elsewhere = join(root, 'elsewhere')
    mkdirSync(elsewhere, { mode: 0o700 })
    rmSync(links, { recursive: true })
    symlinkSync(elsewhere, links)
    expect(() => announce(root, links)).to.throw(/is not this user's alone/)
  })

  it('forgets processes that have ended, and does not believe what their lock does not say', async () => {
    mkdirSync(links, { mode: 0o700 })
    mkdirSync(join(root, '.lull'))
    // Of a process that lives, but whose lock names another one.
    writeFileSync(join(root, '.lull', 'up.pid'), `1\n${join(root, '.lull', 'redis.sock')}\n`)
    symlinkSync(join(root, '.lull'), join(links, String(process.ppid)))
    symlinkSync(join(root, '.lull'), join(links, '2147483646'))
    writeFileSync(join(links, 'notes.txt'), '')
    expect(await runningRedis(links)).to.deep.equal([])
    expect(readdirSync(links).sort()).to.deep.equal([String(process.ppid), 'notes.txt'])
  })
})
