/** How events become metrics. */
import { expect } from 'chai'
import { Metrics } from '../../../src/metrics/metrics.js'

const linesOf = async (metrics: Metrics) => (await metrics.registry.metrics()).split('\n')

describe('metrics of answers', () => {
  it('have the reply time of completed answers alone, in buckets up to five minutes', async () => {
    const metrics = new Metrics('0.0.0')
    metrics.answered('failed', 10, 90_000)
    metrics.answered('completed', undefined, undefined)
    metrics.answered('completed', 10, 12_200)
    const lines = await linesOf(metrics)
    expect(lines).to.include.members([
      'lull_reply_seconds_count 1',
      'lull_reply_seconds_sum 12.2',
      'lull_reply_seconds_bucket{le="10"} 0',
      'lull_reply_seconds_bucket{le="12.5"} 1',
      'lull_reply_seconds_bucket{le="300"} 1',
    ])
  })

  it('count a commit that was asked for without waiting, and no wait of it', async () => {
    const metrics = new Metrics('0.0.0')
    metrics.committed('go', 1500)
    metrics.committed('go')
    expect(await linesOf(metrics)).to.include.members([
      'lull_commits_total{result="go"} 2',
      'lull_commit_wait_seconds_count 1',
      'lull_commit_wait_seconds_sum 1.5',
    ])
  })
})
