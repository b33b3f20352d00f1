/** Files with people's messages or with secrets: only their owner may read them. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { findProgram, startPrivateRedis } from '../../src/cli/private-redis.js'

const root = new URL('../../', import.meta.url)
const OTHERS = 0o077

/** Everything under a folder that others may read, write or enter. */
const openIn = (folder: string) =>
  ['.', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })].filter(
    name => (lstatSync(join(folder, name)).mode & OTHERS) !== 0,
  )

describe('files', function () {
  this.timeout(60_000)
  let directory: string

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'lull-files-'))
  })
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true })
  })

  it('under .lull are their owner’s alone while the private Redis runs and afterwards, also in a folder that was open (skipped without a redis-server)', async function () {
    const { program } = await findProgram()
    if (!program) return this.skip()
    const folder = join(directory, '.lull')
    mkdirSync(join(folder, 'appendonlydir'), { recursive: true })
    writeFileSync(join(folder, 'redis.log'), '')
    for (const name of ['.', 'appendonlydir', 'redis.log']) chmodSync(join(folder, name), 0o777)
    const umask = process.umask(0o022)
    try {
      const own = await startPrivateRedis(program, directory, () => {})
      const client = new Redis({ path: own.socket })
      try {
        await client.set('text', 'hi')
        await client.save()
        expect(openIn(folder)).to.deep.equal([])
        expect(readdirSync(folder)).to.include.members([
          'up.pid',
          'redis.sock',
          'dump.rdb',
          'appendonlydir',
          '.gitignore',
        ])
      } finally {
        client.disconnect()
        await own.stop(10_000)
      }
      expect(openIn(folder)).to.deep.equal([])
      expect(process.umask()).to.equal(0o022)
    } finally {
      process.umask(umask)
    }
  })

  it('named .env are made 0600 by every line of the documentation that writes one', () => {
    const docs = readdirSync(new URL('docs', root)).filter(name => name.endsWith('.md'))
    const texts = [
      ...docs.map(name => `docs/${name}`),
      'README.md',
      'CONTRIBUTING.md',
      'docker-compose.yml',
      'ecosystem.config.cjs',
    ]
    const lines = texts.flatMap(name => readFileSync(new URL(name, root), 'utf8').split('\n'))
    const writing = lines.filter(line => /(>|\btee\b.*|\bcp\b.*)\s*\.env\b/.test(line))
    expect(writing).to.have.length.above(1)
    for (const line of writing) {
      rmSync(join(directory, '.env'), { force: true })
      execFileSync('sh', ['-c', `umask 022; ${line}`], { cwd: directory })
      expect(existsSync(join(directory, '.env')), line).to.equal(true)
      expect(lstatSync(join(directory, '.env')).mode & 0o777, line).to.equal(0o600)
    }
  })
})
