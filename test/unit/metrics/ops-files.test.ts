/** The files for Prometheus and Grafana use metrics that exist, and the docs say what to do about each alert. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { readConfig } from '../../../src/config.js'
import { Metrics } from '../../../src/metrics/metrics.js'

const run = promisify(execFile)
const RULES = 'ops/prometheus/lull.rules.yml'
const DASHBOARD = 'ops/grafana/lull.json'

const DEFAULTS = readConfig({})

/** The names that users' dashboards rely on. */
const NAMES = [
  'lull_messages_total',
  'lull_webhook_rejections_total',
  'lull_batches_released_total',
  'lull_handovers_total',
  'lull_answers_total',
  'lull_claims_reclaimed_total',
  'lull_headers_lost_total',
  'lull_nudges_total',
  'lull_redis_errors_total',
  'lull_release_lateness_seconds',
  'lull_batch_wait_seconds',
  'lull_batch_messages',
  'lull_append_duration_seconds',
  'lull_handover_duration_seconds',
  'lull_answer_duration_seconds',
  'lull_reply_seconds',
  'lull_superseded_total',
  'lull_commits_total',
  'lull_commit_wait_seconds',
  'lull_wasted_run_seconds_total',
  'lull_http_request_duration_seconds',
  'lull_open_conversations',
  'lull_held_conversations',
  'lull_dead_batches',
  'lull_oldest_due_age_seconds',
  'lull_processors',
  'lull_redis_up',
  'lull_partitions_unavailable',
  'lull_redirects_total',
  'lull_wait_short_total',
  'lull_notification_lag_seconds',
  'lull_build_info',
]

/** As in the docs: `name{label,label}`. */
function everyMetric(): string[] {
  const metrics = new Metrics('0.0.0')
  metrics.watchRedis(async () => {})
  const canary = { set: async () => {}, touch: async () => {}, listen: async () => async () => {} }
  const totals = async () => ({ open: 0, held: 0, dead: 0, oldestDueAgeMs: 0 })
  metrics.watchSystem({ totals, canary, partitionsAway: 0 }, 'p')
  return metrics.registry.getMetricsAsArray().map(one => {
    const labels = 'labelNames' in one && Array.isArray(one.labelNames) ? one.labelNames : []
    return labels.length > 0 ? `${one.name}{${labels.join()}}` : one.name
  })
}

interface Pm2App {
  name: string
  kill_timeout: number
  env: { LULL_OPS_PORT: number }
}

async function pm2Apps(): Promise<Pm2App[]> {
  const { default: ecosystem } = await import(new URL('../../../ecosystem.config.cjs', import.meta.url).href)
  return ecosystem.apps
}

async function hasPromtool(): Promise<boolean> {
  return run('promtool', ['--version']).then(
    () => true,
    () => false,
  )
}

describe('files for Prometheus and Grafana', () => {
  it('a process serves exactly the metrics of the contract', () => {
    expect(
      everyMetric()
        .map(name => name.replace(/\{.*/, ''))
        .sort(),
    ).to.deep.equal(NAMES.toSorted())
  })

  it('docs/operations.md has a row for each metric, with its labels', () => {
    const rows = readFileSync('docs/operations.md', 'utf8').match(/^\| `lull_[^|]*\|/gm) ?? []
    const described = rows.flatMap(row => [...row.matchAll(/`(lull_\w+(?:\{[\w,]+\})?)`/g)].map(([, name]) => name))
    expect(described.toSorted()).to.deep.equal(everyMetric().toSorted())
  })

  it('rules and dashboard use only metrics that exist', () => {
    for (const file of [RULES, DASHBOARD]) {
      const asked = [...readFileSync(file, 'utf8').matchAll(/\blull_[a-z_]+/g)].map(([name]) => name)
      const unknown = asked.filter(name => !NAMES.includes(name.replace(/_(bucket|sum|count)$/, '')))
      expect(unknown, file).to.deep.equal([])
    }
  })

  it('gauges of the whole system are never summed', () => {
    const text = [RULES, DASHBOARD].map(file => readFileSync(file, 'utf8')).join('\n')
    const gauges = /(\w+)\((lull_(?:open|held)_conversations|lull_dead_batches|lull_oldest_due_age_seconds)/g
    expect([...text.matchAll(gauges)].map(([, by]) => by)).to.satisfy((all: string[]) => all.every(by => by === 'max'))
  })

  it('docs/operations.md has a remedy for every alert', () => {
    const alerts = [...readFileSync(RULES, 'utf8').matchAll(/alert: (\w+)/g)].map(([, name]) => name)
    const docs = readFileSync('docs/operations.md', 'utf8')
    expect(alerts.filter(name => !docs.includes(`| \`${name}\` |`))).to.deep.equal([])
  })

  it('systemd and PM2 wait longer than LULL_SHUTDOWN_MS before they kill, and restart without limit while Redis is away', async () => {
    for (const role of ['api', 'processor@', 'worker@']) {
      const unit = readFileSync(`ops/systemd/lull-${role}.service`, 'utf8')
      expect(unit).to.match(/^StartLimitIntervalSec=0$/m)
      expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]) * 1000, role).to.be.above(DEFAULTS.shutdownMs)
    }
    for (const app of await pm2Apps()) {
      expect(app.kill_timeout, app.name).to.be.above(DEFAULTS.shutdownMs)
      expect(app, app.name).to.have.property('exp_backoff_restart_delay')
    }
  })

  it('every process that PM2 runs has its own port, and Prometheus scrapes it', async () => {
    const ports = (await pm2Apps()).map(app => `127.0.0.1:${app.env.LULL_OPS_PORT}`)
    const targets = /targets: (\[.*\])/.exec(readFileSync('ops/prometheus/prometheus.yml', 'utf8'))?.[1] ?? ''
    expect([...targets.matchAll(/"([^"]+)"/g)].map(([, target]) => target)).to.deep.equal(ports)
  })

  it('promtool accepts the rules and their tests pass (skipped without promtool)', async function () {
    if (!(await hasPromtool())) this.skip()
    await run('promtool', ['check', 'rules', RULES])
    await run('promtool', ['test', 'rules', 'ops/prometheus/lull.rules.test.yml'])
  })
})
