/** Mistakes that the compiler has to find with the generated client: without one of them this file does not compile. */
import type { components } from './api.js'
import type { Lull } from './life.js'

export async function mistakes(lull: Lull): Promise<void> {
  const params = { path: { id: 'c1' } }
  // @ts-expect-error: a message has no messageID
  await lull.POST('/conversations/{id}/messages', { params, body: { messageID: 'm1', text: 'hi' } })
  // @ts-expect-error: a message has no txet
  const message: components['schemas']['NewMessage'] = { messageId: 'm1', txet: 'hi' }
  await lull.POST('/conversations/{id}/messages', { params, body: message })
  // @ts-expect-error: there is no rule quietGap
  const rules: components['schemas']['NewRules'] = { quietGap: 6000 }
  await lull.PUT('/settings/{scope}', { params: { path: { scope: '*' } }, body: rules })
  // @ts-expect-error: a rule is a number, not a text
  await lull.PUT('/settings/{scope}', { params: { path: { scope: '*' } }, body: { quietGapMs: '6s' } })
  // @ts-expect-error: keep is drop or collect
  await lull.POST('/conversations/{id}/pause', { params, body: { keep: 'some' } })
  // @ts-expect-error: the path has no conversationId
  await lull.GET('/conversations/{id}', { params: { path: { conversationId: 'c1' } } })
  // @ts-expect-error: the query needs an id
  await lull.POST('/conversations/flush', {})
  // @ts-expect-error: there is no such route
  await lull.POST('/conversations/{id}/tickle', { params })
  const { data } = await lull.GET('/dead')
  // @ts-expect-error: a dead batch has no reason
  data?.dead[0]?.reason
}
