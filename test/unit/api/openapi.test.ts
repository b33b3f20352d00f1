/** The API's description: it names every route, it is valid, and what it says is what the API does. */
import { readFileSync } from 'node:fs'
import Router from '@koa/router'
import { expect } from 'chai'
import { z } from 'zod'
import { CommitWaits } from '../../../src/api/commit-waits.js'
import { Comparisons } from '../../../src/api/comparison.js'
import { LiveEvents } from '../../../src/api/events.js'
import { QUERY_FIELDS } from '../../../src/api/known-query.js'
import { openApi } from '../../../src/api/openapi/document.js'
import type { Operation } from '../../../src/api/openapi/operation.js'
import { OPERATIONS } from '../../../src/api/openapi/operations/index.js'
import { PARAMETERS } from '../../../src/api/openapi/parameters.js'
import { RecentWebhooks } from '../../../src/api/recent-webhooks.js'
import { addRoutes } from '../../../src/api/routes.js'
import { Access } from '../../../src/api/token.js'
import { batchSchema } from '../../../src/batch-schema.js'
import { Batcher } from '../../../src/batcher.js'
import { JsonSchemas } from '../../../src/json-schema.js'
import { Metrics } from '../../../src/metrics/metrics.js'
import { rulesFrom } from '../../../src/rules.js'
import { MemoryStore } from '../../../src/store/memory/store.js'
import { Described } from '../../support/openapi/described.js'
import { lintOpenApi } from '../../support/openapi/lint.js'
import { type Serving, serve } from './serving.js'

/** The page's own: they may change with any version. */
const PAGE = /^\/$|^\/page\//

const fileAt = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'))
const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** The app's own router, with everything that the app can have. */
function fullRouter(): Router {
  const router = new Router()
  const store = new MemoryStore()
  const batcher = new Batcher({ store })
  addRoutes(router, {
    batcher,
    access: new Access(store.sessions, {}),
    readBody: async () => undefined,
    commits: new CommitWaits(batcher),
    webhooks: new RecentWebhooks({ all: [] }),
    showTexts: true,
    afterAppend: () => {},
    ready: async () => {},
    metrics: new Metrics('0.0.0'),
    dashboard: {
      live: new LiveEvents(store),
      comparisons: new Comparisons(rulesFrom()),
      version: '0.0.0',
      batching: true,
      isOwnWorker: false,
    },
  })
  return router
}

/** `GET /conversations/{id}` for each route of a router that clients may call. */
const routesIn = (router: Router): string[] =>
  router.stack.flatMap(({ path, methods }) =>
    PAGE.test(String(path))
      ? []
      : methods
          .filter(method => method !== 'HEAD')
          .map(method => `${method} ${String(path).replace(/:(\w+)/g, '{$1}')}`),
  )

const undescribed = (router: Router): string[] => {
  const described = new Set(new Described().routes.map(({ method, path }) => `${method} ${path}`))
  return routesIn(router).filter(route => !described.has(route))
}

function openApiParameters(): { path: string; name: string; place: string }[] {
  const parameters = z.array(z.looseObject({ name: z.string(), in: z.string() })).default([])
  const paths = z.record(z.string(), z.record(z.string(), z.looseObject({ parameters })))
  return Object.entries(paths.parse(openApi(version)['paths'])).flatMap(([path, methods]) =>
    Object.values(methods).flatMap(method => method.parameters.map(({ name, in: place }) => ({ path, name, place }))),
  )
}

describe('the API’s description', () => {
  it('has every route that the app has', () => {
    expect(undescribed(fullRouter())).to.deep.equal([])
  })

  it('lacks a route that was added without one', () => {
    const router = fullRouter()
    router.post('/conversations/:id/tickle', () => {})
    expect(undescribed(router)).to.deep.equal(['POST /conversations/{id}/tickle'])
  })

  it('has the fields of queries that the API knows, and no others', () => {
    const inQueries = openApiParameters().filter(
      ({ path, place }) => place === 'query' && !path.startsWith('/webhook/'),
    )
    expect(new Set(inQueries.map(({ name }) => name))).to.deep.equal(new Set(QUERY_FIELDS))
  })

  it('has no route that the app does not have', () => {
    const inApp = new Set(routesIn(fullRouter()))
    const invented = new Described().routes
      .filter(({ path }) => !path.startsWith('/webhook/'))
      .map(({ method, path }) => `${method} ${path}`)
      .filter(route => !inApp.has(route))
    expect(invented).to.deep.equal([])
  })

  it('has the routes that http-api.md lists, and no others', () => {
    const [, table = ''] = readFileSync('docs/http-api.md', 'utf8').split('| route | what it does |')
    const rows = (table.split('\n\n')[0] ?? '').split('\n')
    const listed = rows.flatMap(row => {
      const path = /`[A-Z]+ (\/[^`]*)`/.exec(row)?.[1] ?? ''
      const methods = /`PUT`, `DELETE`/.test(row) ? ['PUT', 'DELETE'].map(method => `${method} ${path}`) : []
      return [...[...row.matchAll(/`((?:GET|POST|PUT|DELETE) \/[^`]*)`/g)].map(([, route = '']) => route), ...methods]
    })
    const clean = listed
      .map(route => route.replace(/:(\w+)/g, '{$1}'))
      .filter(route => !route.includes('/webhook/') && !['GET /', 'GET /queues'].includes(route))
    const primary = OPERATIONS.filter(({ tag }) => tag !== 'Webhooks').map(
      ({ method, path }) => `${method.toUpperCase()} ${path}`,
    )
    expect(clean.toSorted()).to.deep.equal(primary.toSorted())
  })

  it('breaks no rule of the linter', async () => {
    expect(await lintOpenApi(JSON.stringify(openApi('0.0.0')))).to.deep.equal([])
  }).timeout(20_000)

  it('breaks a rule of the linter where an example has another shape', async () => {
    const wrong: Operation = {
      id: 'count',
      tag: 'System',
      method: 'get',
      path: '/count',
      summary: 'Count',
      replies: {
        200: { description: 'The count', shape: z.object({ count: z.number() }), examples: [{ count: 'two' }] },
      },
    }
    const problems = await lintOpenApi(JSON.stringify(openApi('0.0.0', [wrong])))
    expect(problems.join('\n')).to.include('no-invalid-media-type-examples')
  })

  it('is in docs/openapi.json as it is now: npm run docs', () => {
    expect(fileAt('docs/openapi.json')).to.deep.equal(asJson(openApi(version)))
  })

  it('docs/batch.schema.json is as it is now: npm run docs', () => {
    expect(fileAt('docs/batch.schema.json')).to.deep.equal(asJson(batchSchema()))
  })

  it('gives each operation a name of its own, for the functions of clients', () => {
    const ids = OPERATIONS.map(({ id }) => id)
    expect(new Set(ids).size).to.equal(ids.length)
  })

  it('refuses one name for two different schemas', () => {
    const named = (shape: z.ZodType) => shape.meta({ id: 'Cake' })
    const schemas = new JsonSchemas('#/')
    schemas.of(named(z.object({ name: z.string() })), 'output')
    expect(() => schemas.of(named(z.object({ name: z.number() })), 'output')).to.throw(TypeError, 'Cake')
  })
})

describe('GET /openapi.json', () => {
  let api: Serving
  afterEach(() => api.close(0))

  it('needs no token, and is the same as docs/openapi.json but for the version', async () => {
    api = await serve()
    const { status, json } = await api.call('GET', '/openapi.json', undefined, { Authorization: '' })
    expect(status).to.equal(200)
    expect(json).to.deep.equal(asJson(openApi('unknown')))
  })

  it('describes what its own examples do', async () => {
    api = await serve()
    for (const { method, path, query = {}, body } of OPERATIONS) {
      if (path === '/events' || path === '/metrics' || path.includes('{event}')) continue
      const place = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(PARAMETERS[name]?.example ?? ''))
      const fields = 'author' in query ? '?author=79990000012' : 'hub.mode' in query ? '?hub.mode=subscribe' : ''
      for (const example of Object.values(body?.examples ?? { none: undefined })) {
        const { status, text } = await api.call(method.toUpperCase(), place + fields, example)
        expect(status, `${method} ${place}: ${text}`).to.not.be.oneOf([400, 405, 413, 415, 500])
      }
    }
  })
})
