/**
 * The routes that Lull's API is compared with: the same Koa, router and body reader, parsing the same webhook of Meta.
 *
 *     node --import=tsx route.mjs bare <port>                   parses the body and answers: the floor
 *     node --import=tsx route.mjs bullmq <port> <redis> <gap>   adds it to BullMQ and its list first
 */
import Router from '@koa/router'
import Koa from 'koa'
import rawBody from 'raw-body'

const [, , kind = 'bare', port = '0', redis = '', gapMs = '1000'] = process.argv
const producer =
  kind === 'bullmq'
    ? await (await import('./bullmq-list.ts')).bullmqList.produce({ redis, gapMs: Number(gapMs) })
    : { append: async () => {} }

const router = new Router()
router.post('/webhook/whatsapp/batched/meta', async ctx => {
  const body = JSON.parse(await rawBody(ctx.req, { limit: '3mb', encoding: 'utf8' }))
  let accepted = 0
  for (const { changes } of body.entry)
    for (const { value } of changes)
      for (const message of value.messages ?? []) {
        await producer.append(`${value.metadata.phone_number_id}/${message.from}`, message.id, message.text.body)
        accepted++
      }
  ctx.body = { accepted, duplicates: 0, ignored: 0 }
})
const app = new Koa().use(router.routes())
app.listen(Number(port), '127.0.0.1', () => console.log('ready'))
process.on('SIGTERM', () => process.exit(0))
