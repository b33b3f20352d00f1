/**
 * Guarantee: an id or a text that is none is refused by every method of a `Batcher`, in one line that names the argument
 * and its value. Nothing is stored then.
 */
import { expect } from 'chai'
import { Batcher, MemoryStore } from '../../src/index.js'

/** As JavaScript, where no type refuses it. */
const untyped = (value: unknown): string => JSON.parse('{}', () => value)

const NO_IDS: [value: unknown, shown: string][] = [
  [undefined, 'undefined'],
  [null, 'null'],
  ['', '""'],
  [5, '5'],
  [{ id: 'a' }, '{"id":"a"}'],
]

type Call = (batcher: Batcher, value: string) => Promise<unknown>

/** By the argument, each method that takes it. */
const CALLS: Record<string, Record<string, Call>> = {
  conversationId: {
    append: (batcher, id) => batcher.append(id, { messageId: 'm1' }),
    typing: (batcher, id) => batcher.typing(id),
    typingEnded: (batcher, id) => batcher.typingEnded(id),
    hold: (batcher, id) => batcher.hold(id, 'key'),
    release: (batcher, id) => batcher.release(id, 'key'),
    flush: (batcher, id) => batcher.flush(id),
    drop: (batcher, id) => batcher.drop(id),
    pause: (batcher, id) => batcher.pause(id),
    resume: (batcher, id) => batcher.resume(id),
    sent: (batcher, id) => batcher.sent(id, 'm1'),
    ownMessage: (batcher, id) =>
      batcher.ownMessage({ conversationId: id, message: { messageId: 'm1' }, rule: 'drop', cameAtMs: 0 }),
    forget: (batcher, id) => batcher.forget(id),
    edit: (batcher, id) => batcher.edit(id, 'm1', 'hi'),
    revoke: (batcher, id) => batcher.revoke(id, 'm1'),
    conversation: (batcher, id) => batcher.conversation(id),
  },
  messageId: {
    append: (batcher, id) => batcher.append('a', { messageId: id }),
    sent: (batcher, id) => batcher.sent('a', 'm1', id),
    edit: (batcher, id) => batcher.edit('a', id, 'hi'),
    revoke: (batcher, id) => batcher.revoke('a', id),
    findMessage: (batcher, id) => batcher.findMessage(undefined, id),
  },
  authors: {
    edit: (batcher, id) => batcher.edit('a', 'm1', 'hi', ['b', id]),
    revoke: (batcher, id) => batcher.revoke('a', 'm1', ['b', id]),
  },
  batchId: {
    commit: (batcher, id) => batcher.commit(id),
    answered: (batcher, id) => batcher.answered(id),
    redrive: (batcher, id) => batcher.redrive('b1', id),
    discardDead: (batcher, id) => batcher.discardDead('b1', id),
  },
  provider: {
    accountOwner: (batcher, id) => batcher.accountOwner({ account: 'shop', provider: id, isProven: false }),
  },
}

/** Methods without an id or a text. */
const WITHOUT = ['open', 'close', 'paused', 'ownMessageRules', 'conversations', 'dead', 'ready', 'history']

describe('an argument of a Batcher', () => {
  let batcher: Batcher
  beforeEach(() => {
    batcher = new Batcher({ store: new MemoryStore() })
  })
  afterEach(() => batcher.close())

  const refusal = (call: Promise<unknown>) =>
    call.then(
      () => 'it was accepted',
      (error: unknown) => (error instanceof TypeError ? error.message : error),
    )

  for (const [name, methods] of Object.entries(CALLS))
    for (const [method, call] of Object.entries(methods))
      it(`${method}: a ${name} that is no id is refused, and nothing is stored`, async () => {
        for (const [value, shown] of NO_IDS)
          expect(await refusal(call(batcher, untyped(value))))
            .to.be.a('string')
            .that.satisfies((line: string) => line.startsWith(`${name}=${shown}: `) && !line.includes('\n'))
        expect(await batcher.history()).to.deep.equal([])
      })

  it('the text of an edit is a string, and may be empty', async () => {
    await batcher.append('a', { messageId: 'm1', text: 'hi' })
    for (const text of [undefined, null, 5, ['hi']])
      expect(await refusal(batcher.edit('a', 'm1', untyped(text)))).to.match(/^text=.*: it must be a string$/)
    expect((await batcher.conversation('a')).messages[0]?.message.text).to.equal('hi')
    expect(await batcher.edit('a', 'm1', '')).to.equal('edited')
  })

  it('an optional id may be left out, and is refused if it is none', async () => {
    expect(await batcher.history({ limit: 1 })).to.deep.equal([])
    expect(await refusal(batcher.history({ conversationId: untyped(5) }))).to.match(/^conversationId=5: /)
    expect(await refusal(batcher.findMessage(untyped(5), 'm1'))).to.match(/^account=5: /)
    expect(await refusal(batcher.accountOwner({ account: untyped(5), provider: 'meta', isProven: false }))).to.match(
      /^account=5: /,
    )
    expect(await refusal(batcher.edit('a', 'm1', 'hi', JSON.parse('"b"')))).to.match(/^authors="b": .* a list/)
  })

  it('mistyped options of a call are refused, and so are values that it cannot use', async () => {
    const call = (method: (...given: never[]) => Promise<unknown>, ...given: unknown[]): Promise<unknown> =>
      Promise.resolve(Reflect.apply(method, batcher, given)).then(
        () => 'it was accepted',
        (error: unknown) => (error instanceof Error ? error.message : error),
      )
    const message = { messageId: 'm1' }
    expect(await call(batcher.append, 'a', message, { drect: true })).to.equal(
      'drect is no option of append(): did you mean direct?',
    )
    expect(await call(batcher.append, 'a', message, { direct: 'yes' })).to.equal(
      'direct="yes": it must be true or false',
    )
    expect(await call(batcher.pause, 'a', 60_000, { kep: 'drop' })).to.equal(
      'kep is no option of pause(): did you mean keep?',
    )
    expect(await call(batcher.history, 'a')).to.equal('history() takes an object of options, and got a string')
    expect(await call(batcher.history, { conversation: 'a' })).to.equal(
      'conversation is no option of history(): did you mean conversationId?',
    )
    expect(await call(batcher.ready, { timeout: 5 })).to.equal(
      'timeout is no option of ready(): did you mean timeoutMs?',
    )
    expect(await call(batcher.answered, 'b1', 'done')).to.equal('outcome="done": it must be one of completed, failed')
    for (const method of [batcher.conversations, batcher.paused, batcher.dead])
      for (const limit of ['a', 0, -1, 1.5, Number.NaN, null])
        expect(await call(method, limit)).to.match(/^limit=.*: it must be a whole number, 1 or more$/)
    expect(await batcher.history()).to.deep.equal([])
  })

  it('one id at least is needed to redrive', async () => {
    const redrive: (...ids: string[]) => Promise<unknown> = (...ids) => Reflect.apply(batcher.redrive, batcher, ids)
    expect(await refusal(redrive())).to.match(/^batchId=undefined: /)
  })

  it('every method is in these tables', () => {
    const tested = [...Object.values(CALLS).flatMap(methods => Object.keys(methods)), ...WITHOUT]
    const HIDDEN = ['constructor', 'connect', 'opened', 'canonical', 'granting', 'isFirstReport']
    expect(Object.getOwnPropertyNames(Batcher.prototype)).to.have.members([...new Set([...tested, ...HIDDEN])])
  })
})
