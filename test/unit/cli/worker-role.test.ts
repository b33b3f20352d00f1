/** The worker's role: what it refuses before it connects to anything. */
import { expect } from 'chai'
import { Lifecycle } from '../../../src/cli/lifecycle.js'
import { startWorker } from '../../../src/cli/roles/worker.js'
import { readConfig } from '../../../src/config.js'
import { silent } from '../../../src/logger.js'
import { Metrics } from '../../../src/metrics/metrics.js'

describe('the worker’s role', () => {
  it('refuses superseding, since it cannot commit: it would send answers that were withdrawn', async () => {
    const config = readConfig({ LULL_ANSWERING: 'supersede' })
    const context = { config, log: silent, lifecycle: new Lifecycle(silent), metrics: new Metrics('0.0.0') }
    const error: unknown = await startWorker(context).catch(e => e)
    expect(error).to.include({ name: 'ConfigError' })
    expect(String(error)).to.match(/LULL_ANSWERING=supersede: .*batcher\.commit\(\)/)
  })
})
