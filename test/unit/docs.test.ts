/** What the docs name exists: files, headings, settings, commands, scripts, routes, methods. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import type { Command } from 'commander'
import { Comparisons } from '../../src/api/comparison.js'
import { LiveEvents } from '../../src/api/events.js'
import { BOARD_PATH } from '../../src/api/queue-window.js'
import { Batcher, type BatcherOptions } from '../../src/batcher.js'
import { createProgram } from '../../src/cli/program.js'
import { groupsOf, KNOWN } from '../../src/config/known.js'
import { declaredIn } from '../../src/config/setting.js'
import type { BullmqOptions } from '../../src/handover/bullmq.js'
import type { HttpHandoverOptions } from '../../src/handover/http.js'
import { Metrics } from '../../src/metrics/metrics.js'
import { Processor, type ProcessorOptions } from '../../src/processor/processor.js'
import { rulesFrom } from '../../src/rules.js'
import { MemoryStore } from '../../src/store/memory/store.js'
import { StoreUnavailable } from '../../src/store/store.js'
import type { WebhookOptions } from '../../src/webhook/options.js'
import { serve } from './api/serving.js'

const README_LINES = 180
const PROSE_COLUMNS = 120

const FILES = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...['docs', 'docs/recipes'].flatMap(folder =>
    readdirSync(folder)
      .filter(name => name.endsWith('.md'))
      .map(name => `${folder}/${name}`),
  ),
]
const text = (file: string) => readFileSync(file, 'utf8')

/** What is not in a block of code. */
const prose = (file: string) =>
  text(file)
    .replace(/^( *)```.*?^\1```/gms, '')
    .split('\n')
    .filter(line => !/^ {4}/.test(line))

/** What is in a block or a span of code. */
const code = (file: string) => [
  ...[...text(file).matchAll(/^( *)```.*?^\1```/gms)].map(([block]) => block),
  ...text(file)
    .split('\n')
    .filter(line => /^ {4}/.test(line)),
  ...prose(file).flatMap(line => [...line.matchAll(/`([^`]+)`/g)].map(([, span]) => span ?? '')),
]

/** As GitHub makes a heading's anchor. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-')

const anchorsOf = (file: string) =>
  prose(file).flatMap(line => (/^#+ /.test(line) ? [anchorOf(line.replace(/^#+ /, ''))] : []))

/** `[…](target)` and `src="target"`, but for addresses. */
const linksOf = (file: string) =>
  [
    ...prose(file)
      .join('\n')
      .matchAll(/\]\(([^)\s]+)\)|srcset?="([^"]+)"/g),
  ]
    .map(([, link, source]) => link ?? source ?? '')
    .filter(target => !/^[a-z]+:/.test(target))

function isBroken(file: string, target: string): boolean {
  const [path = '', anchor] = target.split('#')
  const found = path === '' ? file : join(dirname(file), path)
  if (!existsSync(found)) return true
  return anchor !== undefined && !anchorsOf(found).includes(anchor)
}

const VARIABLES = new Set(
  groupsOf(KNOWN).flatMap(({ settings }) => declaredIn(settings).map(([, { variable }]) => variable)),
)

/** `lull dead redrive --all` → the command and its options, where there are such. */
function unknownIn(call: string, program: Command): string | undefined {
  let command = program
  for (const word of call.split(/\s+/).slice(1)) {
    const option = /^--[a-z-]+/.exec(word)?.[0]
    if (option !== undefined) {
      if (option === '--help' || option === '--version') continue
      if (!command.options.some(({ long }) => long === option)) return call
      continue
    }
    const inner = command.commands.find(each => each.name() === word)
    if (inner !== undefined) command = inner
    else if (command === program) return call
    else return undefined
  }
  return undefined
}

/** Methods of a class, by the rows of the first table under the heading that is its name. */
const methodsIn = (heading: string) => {
  const [, section = ''] = text('docs/library.md').split(`\n## ${heading}\n`)
  return [...(section.split('\n## ')[0] ?? '').matchAll(/^\| `(\w+)\(/gm)].map(([, name]) => name)
}

/** Option names, by the first column of the tables in a section of library.md. */
const optionsIn = (heading: string) => {
  const [, section = ''] = text('docs/library.md').split(`\n${heading}\n`)
  const cells = [...(section.split(/\n##+ /)[0] ?? '').matchAll(/^\| ([^|]*) \|/gm)].map(([, cell = '']) => cell)
  return cells.flatMap(cell => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name))
}

/** All options there are: a missing or an extra one does not compile. */
type All<Options> = Record<keyof Required<Options>, 'documented'>
const BATCHER_AND_PROCESSOR: All<BatcherOptions & ProcessorOptions> = {
  redis: 'documented',
  partitions: 'documented',
  waitReplicas: 'documented',
  prefix: 'documented',
  store: 'documented',
  quietGapMs: 'documented',
  maxWaitMs: 'documented',
  batchTtlMs: 'documented',
  maxMessages: 'documented',
  maxBytes: 'documented',
  dedupeMs: 'documented',
  maxAgeMs: 'documented',
  leaseMs: 'documented',
  maxAttempts: 'documented',
  order: 'documented',
  answering: 'documented',
  earlyStartMs: 'documented',
  typingGapMs: 'documented',
  holdTypes: 'documented',
  holdMs: 'documented',
  holdMaxMs: 'documented',
  pauseMs: 'documented',
  paused: 'documented',
  rulesFor: 'documented',
  onOwnMessage: 'documented',
  answerTimeoutMs: 'documented',
  batching: 'documented',
  handle: 'documented',
  handover: 'documented',
  concurrency: 'documented',
  configureRedis: 'documented',
  name: 'documented',
  log: 'documented',
  observer: 'documented',
  telemetry: 'documented',
}
const BULLMQ: All<BullmqOptions> = {
  queue: 'documented',
  prefix: 'documented',
  redis: 'documented',
  shards: 'documented',
  answerAttempts: 'documented',
  jobRetentionMs: 'documented',
  jobTexts: 'documented',
}
const HTTP: All<HttpHandoverOptions> = {
  url: 'documented',
  secret: 'documented',
  timeoutMs: 'documented',
  concurrency: 'documented',
}

const WEBHOOK: All<WebhookOptions> = {
  batcher: 'documented',
  providers: 'documented',
  provider: 'documented',
  direct: 'documented',
  groups: 'documented',
  onOwnMessage: 'documented',
  raw: 'documented',
  maxBodyBytes: 'documented',
  maxBodyBytesInFlight: 'documented',
  identify: 'documented',
  log: 'documented',
  observer: 'documented',
  readyTimeoutMs: 'documented',
}

describe('the docs', () => {
  it(`the README is at most ${README_LINES} lines long`, () => {
    expect(text('README.md').trimEnd().split('\n').length).to.be.at.most(README_LINES)
  })

  it('the first whole program of the README is examples/embedded.mjs, but for its comments', () => {
    const [, program = ''] = /```js\n(import .*?)```/s.exec(text('README.md')) ?? []
    const code = (source: string) => source.replace(/^ *\/\/.*\n| *\/\/ .*$/gm, '')
    expect(code(program)).to.equal(code(text('examples/embedded.mjs')))
  })

  it('the code of each recipe is that of its example', () => {
    const different = FILES.filter(file => file.startsWith('docs/recipes/')).flatMap(file => {
      const examples = linksOf(file).filter(link => /^\.\.\/\.\.\/examples\/[\w-]+\.\w+$/.test(link))
      const sources = examples.map(link => text(join(dirname(file), link)))
      return [...text(file).matchAll(/^```js\n(export .*?)^```/gms)].flatMap(([, block = '']) =>
        sources.some(source => source.includes(block)) ? [] : [`${file}: ${block}`],
      )
    })
    expect(different).to.deep.equal([])
  })

  it('every recipe is in their list', () => {
    const listed = linksOf('docs/recipes/README.md')
    const missing = FILES.filter(file => /^docs\/recipes\/[a-z]/.test(file)).filter(
      file => !listed.includes(file.replace('docs/recipes/', '')),
    )
    expect(missing).to.deep.equal([])
  })

  it('every link between files leads to a file and a heading that exist', () => {
    const broken = FILES.flatMap(file =>
      linksOf(file).flatMap(target => (isBroken(file, target) ? [`${file}: ${target}`] : [])),
    )
    expect(broken).to.deep.equal([])
  })

  it('every file that a code span names exists', () => {
    const missing = FILES.flatMap(file =>
      prose(file)
        .flatMap(line => [...line.matchAll(/`((?:src|test|docs|ops|examples|scripts|bench)\/[\w./@-]+)`/g)])
        .flatMap(([, path = '']) => (existsSync(path) ? [] : [`${file}: ${path}`])),
    )
    expect(missing).to.deep.equal([])
  })

  it('every folder and file in the house of CONTRIBUTING.md exists', () => {
    const named = [...text('CONTRIBUTING.md').matchAll(/^ {4}((?:src|test|bench)\/[\w./-]*)/gm)]
    expect(named.length).to.be.above(20)
    expect(named.flatMap(([, path = '']) => (existsSync(path) ? [] : [path]))).to.deep.equal([])
  })

  it('every test that guarantees.md gives as a proof exists', () => {
    const [table = ''] = text('docs/guarantees.md').split('\n## What is not guaranteed')
    const proofs = [...table.matchAll(/^\|.*\|(.*)\|$/gm)].flatMap(([, cell = '']) => [
      ...cell.matchAll(/`([a-z-]+)`/g),
    ])
    expect(proofs.length).to.be.above(15)
    const missing = proofs.flatMap(([, name = '']) => (existsSync(`test/integration/${name}.test.ts`) ? [] : [name]))
    expect(missing).to.deep.equal([])
  })

  it('every LULL_… variable is a setting', () => {
    const unknown = FILES.flatMap(file =>
      [...text(file).matchAll(/\bLULL_[A-Z_]+[A-Z]\b/g)].flatMap(([name]) =>
        VARIABLES.has(name) || /^LULL_(?:TEST|FUZZ)_/.test(name) ? [] : [`${file}: ${name}`],
      ),
    )
    expect(unknown).to.deep.equal([])
  })

  it('every command and option of lull exists', () => {
    const program = createProgram()
    const unknown = FILES.flatMap(file =>
      code(file)
        .flatMap(block => [...block.matchAll(/(?:^|\$ |npx |[^\w./-])(?<!npm i )(lull [a-z-][^\n`;|#&"'<[(→]*)/gm)])
        .flatMap(([, call = '']) => unknownIn(call.trim(), program) ?? []),
    )
    expect(unknown).to.deep.equal([])
  })

  it('internals.md gives a reason for every package that the sources import', () => {
    const { dependencies, peerDependencies } = JSON.parse(text('package.json'))
    const sources = readdirSync(new URL('../../src', import.meta.url), { recursive: true, encoding: 'utf8' })
    const imported = sources
      .filter(file => file.endsWith('.ts') && !file.endsWith('.generated.ts'))
      .flatMap(file => [...text(`src/${file}`).matchAll(/(?:from |import\()'((?:@[\w-]+\/)?[\w-]+)(?:\/[\w./-]+)?'/g)])
      .map(([, name = '']) => name)
    const [, table = ''] = text('docs/internals.md').split('\n## Dependencies\n')
    const listed = [...table.matchAll(/^\| (.*?) \|/gm)].flatMap(([, cell = '']) => cell.split(', '))
    const names = listed.map(name => name.replace(/ \(.*\)$/, '')).filter(name => !/^(package|---)$/.test(name))
    expect(names.toSorted()).to.deep.equal([...new Set(imported)].toSorted())
    expect(names).to.include.members(Object.keys({ ...dependencies, ...peerDependencies }))
  })

  it('every npm script exists', () => {
    const { scripts } = JSON.parse(text('package.json'))
    const unknown = FILES.flatMap(file =>
      [...text(file).matchAll(/npm run (?:--silent )?([\w:]+)/g)].flatMap(([, name = '']) =>
        name in scripts ? [] : [`${file}: ${name}`],
      ),
    )
    expect(unknown).to.deep.equal([])
  })

  it('library.md lists every method of Batcher and of Processor, and no other', () => {
    for (const [name, { prototype }] of Object.entries({ Batcher, Processor })) {
      const publicOnes = Object.getOwnPropertyNames(prototype).filter(each => isPublic(name, each))
      expect(methodsIn(name).toSorted(), name).to.deep.equal(publicOnes.toSorted())
    }
  })

  it('library.md lists every option, and no other', () => {
    const documented = {
      '## Options': BATCHER_AND_PROCESSOR,
      '### A queue: `bullmq()`': BULLMQ,
      '### A URL: `http()`': HTTP,
      '## Webhooks': WEBHOOK,
    }
    for (const [heading, options] of Object.entries(documented))
      expect(optionsIn(heading).toSorted(), heading).to.deep.equal(Object.keys(options).toSorted())
  })

  it('the API answers every route that http-api.md lists', async () => {
    const listed = [...text('docs/http-api.md').matchAll(/`(GET|POST|PUT|DELETE) (\/[^`\s]*)`/g)]
      .map(([, method = '', path = '']) => ({
        method,
        path: path.replace(/:provider/, 'generic').replace(/:\w+/g, 'x'),
      }))
      .filter(({ path }) => path !== BOARD_PATH)
    expect(listed.length).to.be.above(15)
    const live = new LiveEvents(new MemoryStore())
    const comparisons = new Comparisons(rulesFrom())
    const dashboard = { live, comparisons, version: '0.0.0', batching: true, isOwnWorker: false }
    const metrics = new Metrics('0.0.0')
    const serving = await serve({ dashboard, metrics })
    try {
      for (const { method, path } of listed) expect(await refusal(serving.url, method, path), path).to.equal(undefined)
    } finally {
      await live.close()
      await serving.close(1000)
      metrics.stop()
    }
  })

  it('http-api.md shows errors as the API sends them', async () => {
    const serving = await serve()
    try {
      const missing = await serving.call('POST', '/webhook/whatsap', '{}')
      serving.store.trouble = new StoreUnavailable('connection', 'Redis is away')
      const unavailable = await serving.call('POST', '/webhook/whatsapp/batched/generic', {
        chatId: 'c',
        messageId: 'm',
      })
      for (const { text: shown } of [missing, unavailable])
        expect(text('docs/http-api.md')).to.include(`    ${shown}\n`)
    } finally {
      await serving.close(1000)
    }
  })

  it('the README describes the picture of the demo with the reply times that it shows', () => {
    const [, described = ''] = /!\[(Anna's four messages .*?)\]\(docs\/demo\.svg\)/.exec(text('README.md')) ?? []
    const shown = [...text('docs/demo.svg').matchAll(/>([\d.]+ s) after her last message</g)].map(([, time]) => time)
    expect(described).to.include(`one reply ${shown[1]} after her last message`)
    expect(described).to.include(`one reply after ${shown[2]}, and one wasted run`)
  })

  it(`no line of prose is longer than ${PROSE_COLUMNS} characters`, () => {
    const long = FILES.flatMap(file =>
      prose(file)
        .filter(line => line.length > PROSE_COLUMNS && !/^\s*(\||<|!\[)|\]\(http/.test(line))
        .map(line => `${file}: ${line}`),
    )
    expect(long).to.deep.equal([])
  })
})

/** Declared without `private` in its class's file. */
function isPublic(className: string, method: string): boolean {
  if (method === 'constructor') return false
  const source = text(className === 'Batcher' ? 'src/batcher.ts' : 'src/processor/processor.ts')
  return new RegExp(`^ {2}(?:async )?${method}\\(`, 'm').test(source)
}

/** What the API says where it has no such route or method. */
async function refusal(url: string, method: string, path: string): Promise<string | undefined> {
  const abort = new AbortController()
  const body = method === 'POST' ? '{}' : null
  const response = await fetch(url + path, {
    method,
    body,
    headers: { authorization: 'Bearer a-token' },
    signal: abort.signal,
  })
  const isMissing = response.status === 405 || response.status === 501
  const said = response.status === 404 || isMissing ? await response.text() : ''
  abort.abort()
  return isMissing || said.includes('nothing at') ? `${response.status} ${said}` : undefined
}
