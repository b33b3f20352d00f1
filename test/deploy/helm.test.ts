/**
 * Guarantee **helm**: the chart in ops/helm renders to objects that Kubernetes' own types accept, passes settings on as
 * they are written, puts no secret into values, and refuses values that cannot work with the remedy.
 */
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { z } from 'zod'
import { groupsOf, KNOWN } from '../../src/config/known.js'
import { declaredIn } from '../../src/config/setting.js'
import { complaintsAbout, helm, noHelm, type Resource, rendered } from '../support/kubernetes.js'

const REQUIRED = { 'image.repository': 'registry.example/lull', 'secrets.all': 'lull', 'secrets.api': 'lull-api' }
/** Every value of values.yaml that a person would set. */
const FULL = {
  ...REQUIRED,
  'image.tag': '1.2.3',
  imagePullSecrets: [{ name: 'registry' }],
  settings: { LULL_QUIET_GAP_MS: 8000, LULL_DEDUPE_MS: 86_400_000, LULL_BATCHING: 'off' },
  'api.autoscaling.enabled': true,
  'api.service.annotations': { a: 'b' },
  'worker.handler': '/handlers/handler.mjs',
  'worker.image.repository': 'registry.example/bot',
  'worker.volumes': [{ name: 'handlers', configMap: { name: 'handlers' } }],
  'worker.volumeMounts': [{ name: 'handlers', mountPath: '/handlers', readOnly: true }],
  podAnnotations: { 'prometheus.io/scrape': 'true' },
  podLabels: { team: 'bots' },
  nodeSelector: { disk: 'ssd' },
  tolerations: [{ key: 'bots', operator: 'Exists' }],
  affinity: { nodeAffinity: {} },
  priorityClassName: 'high',
}

const CONTAINER = z.looseObject({
  image: z.string(),
  args: z.array(z.string()),
  env: z.array(z.object({ name: z.string(), value: z.string() })),
  envFrom: z.array(z.object({ secretRef: z.object({ name: z.string() }) })),
})
const DEPLOYMENT = z.looseObject({
  spec: z.looseObject({
    replicas: z.number().optional(),
    selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
    template: z.looseObject({
      metadata: z.looseObject({ labels: z.record(z.string(), z.string()) }),
      spec: z.looseObject({ containers: z.tuple([CONTAINER]) }),
    }),
  }),
})
/** A service or a disruption budget. */
const SELECTING = z.looseObject({ spec: z.looseObject({ selector: z.record(z.string(), z.unknown()) }) })

const missing = noHelm()
const suite = missing === undefined ? describe : describe.skip

suite(`helm${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  const kinds = (resources: Resource[]) => resources.map(({ kind, metadata: { name } }) => `${kind} ${name}`).toSorted()
  const deployment = (resources: Resource[], role: string) =>
    DEPLOYMENT.parse(
      resources.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name.endsWith(`-${role}`)),
    )
  const container = (resources: Resource[], role: string) =>
    deployment(resources, role).spec.template.spec.containers[0]
  const environment = (resources: Resource[], role: string) =>
    Object.fromEntries(container(resources, role).env.map(({ name, value }) => [name, value]))
  const refusal = async (values: Record<string, unknown>) =>
    helm('template', { ...REQUIRED, ...values }).then(
      () => 'nothing was refused',
      error => String(error),
    )

  for (const [what, values] of Object.entries({ 'the values that must be set': REQUIRED, 'all values': FULL }))
    it(`Helm and Kubernetes’ types find nothing wrong with ${what}`, async () => {
      await helm('lint', values)
      expect(await complaintsAbout(await rendered(values))).to.deep.equal([])
    })

  it('a field that Kubernetes does not know, and a wrong type, are found', async () => {
    const [service] = (await rendered(REQUIRED)).filter(({ kind }) => kind === 'Service')
    const unknown = { ...service!, spec: { ports: [{ port: 80 }], selectors: {} } }
    const wrong = { ...service!, spec: { ports: [{ port: '80' }] } }
    const [first, second, ...more] = await complaintsAbout([unknown, wrong])
    expect(first).to.match(/"selectors"' does not exist/)
    expect(second).to.include(`'string' is not assignable`)
    expect(more).to.deep.equal([])
  })

  it('there is a deployment and a disruption budget for each role, and a service for the API', async () => {
    const each = ['api', 'processor', 'worker'].flatMap(role =>
      ['Deployment', 'PodDisruptionBudget'].map(kind => `${kind} shop-lull-${role}`),
    )
    expect(kinds(await rendered(REQUIRED))).to.deep.equal([...each, 'Service shop-lull-api'].toSorted())
  })

  it('services and disruption budgets select the pods of their role, and of no other', async () => {
    const resources = await rendered(REQUIRED)
    for (const each of resources.filter(({ kind }) => kind !== 'Deployment')) {
      const { selector } = SELECTING.parse(each).spec
      const wanted = z.record(z.string(), z.string()).parse(selector['matchLabels'] ?? selector)
      const selected = ['api', 'processor', 'worker'].filter(role => {
        const { labels } = deployment(resources, role).spec.template.metadata
        return Object.entries(wanted).every(([name, value]) => labels[name] === value)
      })
      expect(selected.map(role => `shop-lull-${role}`)).to.deep.equal([each.metadata.name])
    }
  })

  it('with autoscaling the deployment leaves the number of its pods to the autoscaler', async () => {
    const resources = await rendered(FULL)
    expect(kinds(resources)).to.include('HorizontalPodAutoscaler shop-lull-api')
    expect(deployment(resources, 'api').spec.replicas).to.equal(undefined)
    expect(deployment(await rendered(REQUIRED), 'api').spec.replicas).to.equal(2)
  })

  it('settings reach every role as they are written', async () => {
    const resources = await rendered(FULL)
    for (const role of ['api', 'processor', 'worker'])
      expect(environment(resources, role)).to.include({
        LULL_QUIET_GAP_MS: '8000',
        LULL_DEDUPE_MS: '86400000',
        LULL_BATCHING: 'off',
        LULL_OPS_PORT: '9090',
      })
  })

  it('secrets of webhooks reach no pod but the API’s', async () => {
    const resources = await rendered(REQUIRED)
    const secrets = (role: string) => container(resources, role).envFrom.map(({ secretRef }) => secretRef.name)
    expect(secrets('api')).to.deep.equal(['lull', 'lull-api'])
    for (const role of ['processor', 'worker']) expect(secrets(role)).to.deep.equal(['lull'])
  })

  it('a worker runs the handler that it is given, from its own image', async () => {
    const resources = await rendered(FULL)
    expect(container(resources, 'worker').image).to.equal('registry.example/bot:1.2.3')
    expect(environment(resources, 'worker')).to.include({ LULL_WORKER_HANDLER: '/handlers/handler.mjs' })
    expect(kinds(await rendered({ ...REQUIRED, 'worker.enabled': false })).join()).not.to.include('worker')
  })

  it('every secret that is given as a setting is refused, with the remedy', async () => {
    const secrets = groupsOf(KNOWN).flatMap(({ settings }) =>
      declaredIn(settings).flatMap(([, { variable, isSecret }]) => (isSecret ? [variable] : [])),
    )
    expect(secrets).to.include.members(['LULL_API_TOKEN', 'REDIS_PASSWORD', 'WAHA_HMAC_KEY'])
    const given = [...secrets.map(name => [name, 'x']), ['REDIS_URL', 'rediss://:p@redis.example/0']]
    for (const [name = '', value] of given)
      expect(await refusal({ settings: { [name]: value } }), name).to.include(`settings.${name}: Helm keeps values`)
    expect(await refusal({ settings: { REDIS_URL: 'redis://redis/0' } })).to.equal('nothing was refused')
  })

  it('a setting that the chart sets, one that YAML has read as true, and an unknown value are refused', async () => {
    expect(await refusal({ settings: { PORT: 80 } })).to.include('settings.PORT: the chart sets it')
    expect(await refusal({ settings: { LULL_BATCHING: false } })).to.match(/LULL_BATCHING.*got boolean/)
    expect(await refusal({ 'api.replica': 3 })).to.include('replica')
  })

  it('a grace period that ends before Lull has stopped is refused', async () => {
    const why = 'must be more than preStopSeconds and LULL_SHUTDOWN_MS together'
    expect(await refusal({ terminationGracePeriodSeconds: 30 })).to.include(why)
    expect(await refusal({ settings: { LULL_SHUTDOWN_MS: 60_000 } })).to.include(why)
    const longer = { terminationGracePeriodSeconds: 70, settings: { LULL_SHUTDOWN_MS: 60_000 } }
    expect(await refusal(longer)).to.equal('nothing was refused')
  })

  it('what must be set is asked for by name', async () => {
    for (const name of Object.keys(REQUIRED)) expect(await refusal({ [name]: '' })).to.include(`${name}: `)
  })

  it('the values that docs/kubernetes.md shows are accepted', async () => {
    const docs = readFileSync('docs/kubernetes.md', 'utf8')
    const shown = [...docs.matchAll(/^ {4}(?:# values\.yaml|worker:)\n(?: {4}.*\n)+/gm)].map(([block]) => block)
    expect(shown).to.have.length(3)
    await helm('template', {}, shown[0])
    for (const block of shown.slice(1)) {
      const line = (await helm('template', REQUIRED, block))
        .split('\n')
        .find(each => each.includes('/handlers/handler.mjs'))
      expect(line).to.include('value: "/handlers/handler.mjs"')
    }
  })

  it('the chart has the version of the package', () => {
    const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync('package.json', 'utf8')))
    const chart = readFileSync('ops/helm/lull/Chart.yaml', 'utf8')
    expect(chart)
      .to.match(new RegExp(`^version: ${version}$`, 'm'))
      .and.to.match(new RegExp(`^appVersion: ${version}$`, 'm'))
  })
})
