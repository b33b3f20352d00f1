import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { expect } from 'chai'
import { composeBatch } from '../../../src/batch.js'
import { silent } from '../../../src/logger.js'
import { batchFrom } from '../../../src/worker/batch-job.js'
import { loadHandler, logBatch } from '../../../src/worker/handler.js'

const BATCH = composeBatch({
  batchId: 'b1',
  conversationId: 'shop/1@c.us',
  entries: ['hi', 'x'.repeat(200)].map((text, i) => ({
    receivedAtMs: i,
    message: { messageId: `m${i}`, type: 'text', text },
  })),
  firstAtMs: 1,
  lastAtMs: 1,
  dueAtMs: 2,
  releasedAtMs: 3,
  claimedAtMs: 3,
  releasedBy: 'gap',
})

describe('the handler of a worker', () => {
  let directory: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'lull-handler-'))
  })
  after(() => rm(directory, { recursive: true }))

  async function handlerFile(name: string, code: string) {
    const file = join(directory, name)
    await writeFile(file, code)
    return file
  }

  it('is the default export of an ESM or CommonJS module, by its path from the working directory', async () => {
    const context = {
      signal: new AbortController().signal,
      attempt: 1,
      log: silent,
      commit: async () => ({ again: false }),
    }
    for (const [name, code] of [
      ['a.mjs', 'export default async batch => batch.batchId'],
      ['b.cjs', 'module.exports = async batch => batch.batchId'],
      ['c.cjs', 'exports.__esModule = true; exports.default = async batch => batch.batchId'],
    ] as const) {
      const handle = await loadHandler(relative(process.cwd(), await handlerFile(name, code)))
      expect(await handle(BATCH, context)).to.equal('b1')
    }
  })

  it('rejects in one line if its module is missing, fails, or exports no function', async () => {
    for (const [file, words] of [
      [join(directory, 'none.mjs'), /does not exist/],
      [await handlerFile('d.mjs', 'throw new Error("out\\nof order")'), /cannot be loaded: out \(line 1\)$/],
      [await handlerFile('i.mjs', 'const a = 1\nconst b = ;'), /cannot be loaded: Unexpected token ';' \(line 2\)$/],
      [await handlerFile('j.mjs', 'import "./i.mjs"'), /Unexpected token ';' \(in a module that it imports\)$/],
      [await handlerFile('k.mjs', '\n\nnope()'), /: nope is not defined \(line 3\)$/],
      [await handlerFile('l.mjs', '\nimport "./k.mjs"'), /: nope is not defined \(\/.*k\.mjs:3\)$/],
      [
        await handlerFile('m.mjs', 'throw new Error("2 errors:\\n/srv/h.ts:3:1: no")'),
        /: 2 errors: \/srv\/h\.ts:3:1: no/,
      ],
      // As Node says it: tsx, which runs the tests, loads either kind.
      [
        await handlerFile('f.mjs', `throw new SyntaxError("Unexpected token 'export'")`),
        /loaded: .*: name it \.mjs, or set/,
      ],
      [await handlerFile('g.mjs', `throw new TypeError('Unknown file extension ".ts" for /h.ts')`), /: compile it to/],
      [await handlerFile('h.mjs', 'module.exports = () => {}'), /cannot be loaded: .*: name it \.cjs, or write it/],
      [await handlerFile('e.mjs', 'export const handle = 1'), /exports no function by default: write/],
    ] as const) {
      const error = await loadHandler(file).then(
        () => expect.fail('loaded'),
        reason => reason,
      )
      expect(error.message).to.match(words)
      expect(error.message).to.not.include('\n')
    }
  })

  it('logs one line a batch without a module, and the text only at level debug', () => {
    const lines: string[] = []
    const details: string[] = []
    const log = {
      ...silent,
      info: (_: object, line: string) => lines.push(line),
      debug: (_: object, line: string) => details.push(line),
    }
    logBatch(BATCH, { signal: new AbortController().signal, attempt: 1, log })
    expect(lines).to.have.length(1)
    expect(lines[0]).to.equal('shop/1@c.us: 2 messages by gap: m0 m1')
    expect(details[0]).to.match(/^shop\/1@c\.us: hi · x+…$/)
  })
})

describe('a job as a batch', () => {
  it('equals the batch that was handed over, byte for byte', () => {
    const data: unknown = JSON.parse(JSON.stringify(BATCH))
    expect(batchFrom({ id: 'b1', name: 'batch', data }, 'messages')).to.deep.equal(BATCH)
  })

  it('is refused with the remedy if another program or a later version wrote it', () => {
    for (const data of [undefined, null, 'text', {}, { version: 1 }, { ...BATCH, messages: [] }])
      expect(() => batchFrom({ id: '7', name: 'mail', data }, 'messages')).to.throw(
        /^job 7 \(mail\) of queue messages is no batch of version 1: another program .* LULL_QUEUE/,
      )
    expect(() => batchFrom({ id: '7', name: 'batch', data: { ...BATCH, version: 2 } }, 'messages')).to.throw(
      /version 2: update this worker/,
    )
  })
})
