import { expect } from 'chai'
import { type Appended, type Appending, AppendQueue } from '../../../src/store/append-queue.js'
import { until } from '../../support/wait.js'

const appending = (name: string, messages = 1, bytes = 10): Appending => ({
  request: { conversationId: name, messages: [] },
  entries: Array.from({ length: messages }, (_, i) => ({
    message: { messageId: `${name}${i}`, type: 'text' },
    json: '{}',
    bytes,
  })),
  newBatchId: name,
})

const appended = ({ request }: Appending): Appended => ({
  accepted: 1,
  duplicates: 0,
  tooOld: 0,
  batchId: request.conversationId,
  dueInMs: 0,
  listeners: 1,
})

describe('append queue', () => {
  let calls: { names: string[]; answer: () => void; fail: (error: Error) => void }[]
  let queue: AppendQueue

  beforeEach(() => {
    calls = []
    queue = new AppendQueue(
      requests =>
        new Promise((resolve, reject) => {
          const names = requests.map(({ request }) => request.conversationId)
          const replies = requests.map(one =>
            one.request.conversationId === 'foreign' ? new Error('WRONGTYPE') : appended(one),
          )
          calls.push({ names, answer: () => resolve(replies), fail: reject })
        }),
    )
  })

  const names = () => calls.map(call => call.names.join(''))
  const batchId = (reply: Appended | Error) => (reply instanceof Error ? reply.message : reply.batchId)

  it('sends together what comes together, and then what has come meanwhile, two calls at once at most', async () => {
    const replies = [...'ab'].map(name => queue.add(appending(name)))
    await until(() => calls.length === 1)
    replies.push(queue.add(appending('c')))
    await until(() => calls.length === 2)
    replies.push(...[...'def'].map(name => queue.add(appending(name))))
    await new Promise(resolve => setImmediate(resolve))
    expect(names()).to.deep.equal(['ab', 'c'])
    calls[0]?.answer()
    await until(() => calls.length === 3)
    expect(names()).to.deep.equal(['ab', 'c', 'def'])
    for (const call of calls) call.answer()
    expect((await Promise.all(replies)).map(batchId).join('')).to.equal('abcdef')
  })

  it('bounds a call by its messages and its bytes, and sends a long request alone', async () => {
    const requests = [
      appending('a', 60),
      appending('b', 40),
      appending('c', 1),
      appending('d', 500),
      appending('e', 1, 100_000),
      appending('f', 1, 100_000),
    ]
    const replies = requests.map(one => queue.add(one))
    for (let i = 0; i < 5; i++) {
      await until(() => calls.length > i)
      calls[i]?.answer()
    }
    await Promise.all(replies)
    expect(names()).to.deep.equal(['ab', 'c', 'd', 'e', 'f'])
  })

  it('fails alone what failed alone, all of a call that failed, and goes on', async () => {
    const mixed = ['a', 'foreign', 'b'].map(name => queue.add(appending(name)))
    await until(() => calls.length === 1)
    calls[0]?.answer()
    expect((await Promise.all(mixed)).map(batchId)).to.deep.equal(['a', 'WRONGTYPE', 'b'])
    const lost = ['c', 'd'].map(name => queue.add(appending(name)).catch((error: Error) => error.message))
    await until(() => calls.length === 2)
    calls[1]?.fail(new Error('away'))
    expect(await Promise.all(lost)).to.deep.equal(['away', 'away'])
    const after = queue.add(appending('e'))
    await until(() => calls.length === 3)
    calls[2]?.answer()
    expect(batchId(await after)).to.equal('e')
  })
})
