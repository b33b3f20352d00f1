/** A stop announces the end of a kept-alive connection, so that the client sends no request into a closing one. */
import { Agent, type IncomingMessage, request } from 'node:http'
import { expect } from 'chai'
import Koa from 'koa'
import { listen } from '../../../src/http/listen.js'

const STOP_MS = 5000

describe('API: a stop', () => {
  /** An API whose responses wait for `letGo`. */
  const held = async () => {
    const app = new Koa()
    let letGo = () => {}
    const gate = new Promise<void>(resolve => {
      letGo = resolve
    })
    let begun = () => {}
    const inWork = new Promise<void>(resolve => {
      begun = resolve
    })
    app.use(async ctx => {
      begun()
      await gate
      ctx.body = 'done'
    })
    return { api: await listen(app.callback(), { host: '127.0.0.1', port: 0 }), letGo, inWork }
  }

  const answerOf = (url: string, agent: Agent) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      request(url, { agent }, response => {
        response.resume()
        response.on('end', () => resolve(response))
      })
        .on('error', reject)
        .end()
    })

  it('announces Connection: close in responses to requests that were being handled', async () => {
    const { api, letGo, inWork } = await held()
    const agent = new Agent({ keepAlive: true })
    const answer = answerOf(api.url, agent)
    await inWork
    const closed = api.close(STOP_MS)
    letGo()
    const { statusCode, headers } = await answer
    expect({ statusCode, connection: headers.connection }).to.deep.equal({ statusCode: 200, connection: 'close' })
    await closed
    agent.destroy()
  })

  it('still handles a request through a kept-alive connection, and announces Connection: close', async () => {
    const { api, letGo } = await held()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    letGo()
    expect((await answerOf(api.url, agent)).headers.connection).to.equal('keep-alive')
    const closed = api.close(STOP_MS)
    const { statusCode, headers } = await answerOf(api.url, agent)
    expect({ statusCode, connection: headers.connection }).to.deep.equal({ statusCode: 200, connection: 'close' })
    await closed
    agent.destroy()
  })
})
