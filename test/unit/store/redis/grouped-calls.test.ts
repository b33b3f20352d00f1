import { expect } from 'chai'
import { GroupedCalls } from '../../../../src/store/redis/grouped-calls.js'
import { StoreUnavailable } from '../../../../src/store/store.js'
import { until } from '../../../support/wait.js'

interface Request {
  name: string
  share: number
}

describe('grouped calls', () => {
  let calls: { names: string; answer: () => void; fail: (error: Error) => void }[]
  let grouped: GroupedCalls<Request, string>

  beforeEach(() => {
    calls = []
    grouped = new GroupedCalls(
      requests =>
        new Promise((resolve, reject) => {
          const replies = requests.map(({ name }) => (name === 'x' ? new Error('this one') : name))
          calls.push({
            names: requests.map(({ name }) => name).join(''),
            answer: () => resolve(replies),
            fail: reject,
          })
        }),
      ({ share }) => share,
    )
  })

  const add = (names: string, share = 0.1) => [...names].map(name => grouped.add({ name, share }))
  const resultsOf = async (replies: Promise<string | Error>[]) =>
    (await Promise.all(replies)).map(reply => (reply instanceof Error ? reply.message : reply)).join(' ')
  const sent = () => calls.map(({ names }) => names)

  it('sends requests of one turn together, and those that come meanwhile after that call, in order', async () => {
    const replies = add('ab')
    await until(() => calls.length === 1)
    replies.push(...add('c'))
    await new Promise(resolve => setImmediate(resolve))
    replies.push(...add('de'))
    expect(sent()).to.deep.equal(['ab'])
    calls[0]?.answer()
    await until(() => calls.length === 2)
    calls[1]?.answer()
    expect(await resultsOf(replies)).to.equal('a b c d e')
    expect(sent()).to.deep.equal(['ab', 'cde'])
  })

  it('sends a second call during the first if enough requests wait, and no third', async () => {
    const replies = add('a')
    await until(() => calls.length === 1)
    replies.push(...add('bcdef'))
    await until(() => calls.length === 2)
    replies.push(...add('ghijk'))
    await new Promise(resolve => setImmediate(resolve))
    expect(sent()).to.deep.equal(['a', 'bcdef'])
    calls[1]?.answer()
    await until(() => calls.length === 3)
    for (const call of calls) call.answer()
    expect(await resultsOf(replies)).to.equal('a b c d e f g h i j k')
    expect(sent()).to.deep.equal(['a', 'bcdef', 'ghijk'])
  })

  it('sends a second call during the first for eight requests that wait, however small', async () => {
    const replies = add('a', 0.001)
    await until(() => calls.length === 1)
    replies.push(...add('bcdefgh', 0.001))
    await new Promise(resolve => setImmediate(resolve))
    expect(sent()).to.deep.equal(['a'])
    replies.push(...add('i', 0.001))
    await until(() => calls.length === 2)
    for (const call of calls) call.answer()
    await Promise.all(replies)
    expect(sent()).to.deep.equal(['a', 'bcdefghi'])
  })

  it('sends what waits before it passes on the replies, if that is worth a call', async () => {
    const sentAtReply: number[] = []
    const first = add('ab', 0.5).map(reply => reply.then(() => sentAtReply.push(calls.length)))
    await until(() => calls.length === 1)
    const replies = add('cdefg')
    await until(() => calls.length === 2)
    replies.push(...add('hijkl'))
    await new Promise(resolve => setImmediate(resolve))
    calls[0]?.answer()
    await Promise.all(first)
    expect(sentAtReply).to.deep.equal([3, 3])
    for (const call of calls) call.answer()
    await Promise.all(replies)
  })

  it('fills a call and no more, and sends a request that fills more than one alone', async () => {
    const replies = [...add('ab', 0.5), ...add('c', 0.1), ...add('d', 7), ...add('e', 0.9)]
    for (let i = 0; i < 4; i++) {
      await until(() => calls.length > i)
      calls[i]?.answer()
    }
    expect(await resultsOf(replies)).to.equal('a b c d e')
    expect(sent()).to.deep.equal(['ab', 'c', 'd', 'e'])
  })

  it('fails one request or all of a call, as the call did, and goes on', async () => {
    const mixed = add('axb')
    await until(() => calls.length === 1)
    calls[0]?.answer()
    expect(await resultsOf(mixed)).to.equal('a this one b')
    const lost = add('cd').map(reply => reply.catch((error: Error) => error))
    await until(() => calls.length === 2)
    calls[1]?.fail(new Error('away'))
    expect(await resultsOf(lost)).to.equal('away away')
    const after = add('e')
    let isIdle = false
    void grouped.idle().then(() => {
      isIdle = true
    })
    await until(() => calls.length === 3)
    calls[2]?.answer()
    expect(isIdle).to.equal(false)
    expect(await resultsOf(after)).to.equal('e')
    await until(() => isIdle)
  })

  it('fails waiting requests at once if Redis is away', async () => {
    const replies = add('abc').map(reply => reply.catch((error: Error) => error))
    await until(() => calls.length === 1)
    replies.push(...add('d').map(reply => reply.catch((error: Error) => error)))
    calls[0]?.fail(new StoreUnavailable('timeout', 'away'))
    expect(await resultsOf(replies)).to.equal('away away away away')
    await grouped.idle()
    expect(sent()).to.deep.equal(['abc'])
  })
})
