/** Guarantee **systemd**: systemd itself finds nothing wrong with the units in ops/systemd. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'

const UNITS = 'ops/systemd'
const isThere = spawnSync('systemd-analyze', ['--version']).status === 0
const suite = isThere ? describe : describe.skip

suite(`systemd${isThere ? '' : ' (skipped: no systemd-analyze here: apt-get install systemd)'}`, () => {
  for (const unit of readdirSync(UNITS))
    it(`systemd-analyze verify accepts ${unit}`, () => {
      const folder = mkdtempSync(join(tmpdir(), 'lull-units-'))
      try {
        // A command that does not exist would be a complaint, and Node may be elsewhere here.
        const text = readFileSync(join(UNITS, unit), 'utf8').replaceAll('/usr/bin/node', process.execPath)
        writeFileSync(join(folder, unit), text)
        const { status, stderr } = spawnSync('systemd-analyze', ['verify', join(folder, unit)], { encoding: 'utf8' })
        // systemd ignores what it does not understand, and says so.
        expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' })
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    })
})
